package dev.sallyport.image.verify.systemd;

/**
 * One assignment of a unit file.
 *
 * @param section its section, without brackets
 * @param key before the {@code =}
 * @param value behind it, continued lines joined by blanks
 * @param file where it stands
 * @param line the line, from 1, that it begins in; 0 when it is implied and stands nowhere
 */
public record Setting(String section, String key, String value, String file, int line) {}
