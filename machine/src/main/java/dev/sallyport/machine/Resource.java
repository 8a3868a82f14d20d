package dev.sallyport.machine;

/**
 * An outside thing made for a machine, known by its kind and name alone.
 *
 * @param driver the driver's name
 * @param kind what it is, such as {@code process}, {@code tap}, {@code file}
 * @param name how it is found again: a path, an interface's name, or for a process the marker in its environment
 *     (see {@link ProcessIdentity}), because its pid is not known before it is made
 */
public record Resource(String driver, String kind, String name) {}
