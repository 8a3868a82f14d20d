package dev.sallyport.image.verify.systemd;

/**
 * Something that systemd would say about a unit file.
 *
 * @param fatal true when it refuses the unit, false when it ignores the line and goes on
 * @param file where
 * @param line from 1; 0 when it is about the whole
 * @param text what, in one sentence
 */
public record UnitProblem(boolean fatal, String file, int line, String text) {}
