package dev.sallyport.bench.relay;

import dev.sallyport.bench.compare.Samples;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Messages of a pointer's or key's size, one after the other, each sent back by the source. */
final class RoundTrips {
    private static final byte[] ECHO = {SourceProcess.ECHO};
    private static final byte[] MESSAGE = new byte[16];

    private RoundTrips() {}

    /** Microseconds of each of {@code count} round trips; as many as a tenth of them are made before, uncounted. */
    static Samples micros(Way way, int count) throws IOException {
        List<Double> micros = new ArrayList<>(count);
        try (Wire wire = way.open()) {
            wire.send(ECHO);
            for (int i = -count / 10; i < count; i++) {
                long start = System.nanoTime();
                wire.send(MESSAGE);
                long came = 0;
                while (came < MESSAGE.length) {
                    came += wire.read();
                }
                if (i >= 0) {
                    micros.add((System.nanoTime() - start) / 1e3);
                }
            }
        }
        return new Samples(micros);
    }
}
