package dev.sallyport.bench;

import dev.sallyport.model.Folders;
import java.nio.file.Path;

/**
 * What is chosen for a run.
 *
 * @param folders where the product lies
 * @param quick for seconds and few sessions only
 * @param sessions the highest level; 0 for the benchmark's own
 * @param startsPerSecond how fast sessions are started
 * @param readsPerSecond how fast they are read
 * @param profile whether the controller's flight recording is kept
 */
public record BenchOptions(
        Folders folders, boolean quick, int sessions, int startsPerSecond, int readsPerSecond, boolean profile) {
    /** Where documents go: those of whole runs belong to the sources, those of others do not. */
    public Path documents() {
        return quick || sessions > 0
                ? work().resolve("docs")
                : folders.home().resolve("docs").resolve("benchmarks");
    }

    /** Where logs and recordings go. */
    public Path work() {
        return folders.home().resolve("target").resolve("bench");
    }
}
