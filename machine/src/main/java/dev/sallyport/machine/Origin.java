package dev.sallyport.machine;

import java.nio.file.Path;

/** What a machine begins from. */
public sealed interface Origin {
    /** Its image, which it boots. */
    record Image() implements Origin {}

    /**
     * Its image, which it boots so that {@link Machine#snapshot()} can make a template of it. Such a machine belongs to nobody, is
     * given no token that anybody knows, and waits for an identity once it is up.
     *
     * @param folder an existing empty folder, to which the template is written while the machine runs
     */
    record ForTemplate(Path folder) implements Origin {}

    /**
     * A template: it goes on where the template's machine was, with an identity of its own.
     *
     * @param folder what {@link ForTemplate} named, with a whole template in it; only read
     */
    record FromTemplate(Path folder) implements Origin {}
}
