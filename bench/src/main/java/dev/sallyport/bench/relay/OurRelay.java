package dev.sallyport.bench.relay;

import dev.sallyport.bench.process.Child;
import dev.sallyport.bench.process.ProcessFigures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Our relay, in a {@link RelayProcess}. */
final class OurRelay implements Way, AutoCloseable {
    private final Child process;

    private OurRelay(Child process) {
        this.process = process;
    }

    /** @param streams the stand-in's stream port */
    static OurRelay start(int streams, Path log) throws IOException {
        return new OurRelay(
                Child.start("relay", RelayProcess.class, List.of(), log, List.of(Integer.toString(streams))));
    }

    @Override
    public Wire open() throws IOException {
        String path = process.ask("ticket").path("path").asText();
        return WebSocketWire.open(process.first().path("port").asInt(), path);
    }

    @Override
    public double cpuSeconds() {
        return ProcessFigures.cpuSeconds(process.pid());
    }

    @Override
    public void close() {
        process.close();
    }
}
