package dev.sallyport.controller.pool;

import dev.sallyport.machine.TemplateKey;
import java.nio.file.Path;

/**
 * A whole template, kept from being removed until it is closed, by the thread that found it.
 *
 * @param key what machines must have in common that begin from it
 * @param folder where it lies
 * @param release gives it free
 */
public record Template(TemplateKey key, Path folder, Runnable release) implements AutoCloseable {
    @Override
    public void close() {
        release.run();
    }
}
