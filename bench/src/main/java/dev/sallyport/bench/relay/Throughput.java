package dev.sallyport.bench.relay;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Viewers that take whole frames as fast as they come. */
final class Throughput {
    private static final byte[] FRAMES = {SourceProcess.FRAMES};
    private static final double WARM_SECONDS = 0.3;

    private Throughput() {}

    /** Megabytes that all viewers get for each second of processor time that what stands between uses. */
    static double perCpuSecond(Way way, int viewers, double seconds) throws IOException, InterruptedException {
        List<Wire> wires = new ArrayList<>();
        try {
            for (int i = 0; i < viewers; i++) {
                Wire wire = way.open();
                wires.add(wire);
                wire.send(FRAMES);
            }
            taken(wires, WARM_SECONDS);
            double before = way.cpuSeconds();
            long bytes = taken(wires, seconds);
            // Never less than a tick of the kernel's accounting.
            return bytes / 1e6 / Math.max(0.01, way.cpuSeconds() - before);
        } finally {
            for (Wire wire : wires) {
                wire.close();
            }
        }
    }

    private static long taken(List<Wire> wires, double seconds) throws IOException, InterruptedException {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        long bytes = 0;
        try (ExecutorService threads =
                Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
            List<Future<Long>> all = new ArrayList<>();
            for (Wire wire : wires) {
                all.add(threads.submit(() -> taken(wire, end)));
            }
            for (Future<Long> one : all) {
                bytes += one.get();
            }
        } catch (ExecutionException e) {
            throw new IOException("a viewer failed", e.getCause());
        }
        return bytes;
    }

    private static long taken(Wire wire, long end) throws IOException {
        long bytes = 0;
        while (System.nanoTime() < end) {
            bytes += wire.read();
        }
        return bytes;
    }
}
