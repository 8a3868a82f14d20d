package dev.sallyport.agent.identity;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.linux.SerialLine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads facts from the serial console. */
final class ConsoleFacts implements AutoCloseable {
    private final SerialLine line;
    private final Log log;

    /**
     * Opens the console and silences its echo.
     *
     * @throws IOException when it cannot be opened
     */
    ConsoleFacts(Path console, Log log) throws IOException {
        line = new SerialLine(console);
        this.log = log;
    }

    /**
     * Sets the console again when somebody has reset it since.
     *
     * @throws IOException when that cannot be
     */
    void keepSilent() throws IOException {
        if (line.keepRaw()) {
            log.line("identity: the console had been reset, and is silent again");
        }
    }

    /**
     * Waits for facts that are as they must be; others are refused with one line in the log, and it waits on.
     *
     * @param template what the template was told
     * @return empty when the console ended, or {@link #wake} was called
     */
    Optional<NewFacts> await(Facts template) throws IOException {
        var text = new FactsText();
        byte[] buffer = new byte[4096];
        int count = line.read(buffer);
        while (count >= 0) {
            for (int i = 0; i < count; i++) {
                Optional<List<String>> lines = text.take(buffer[i]);
                if (lines.isPresent()) {
                    try {
                        return Optional.of(NewFacts.of(lines.get(), template, System.nanoTime()));
                    } catch (NewFacts.Refused e) {
                        log.line("identity: facts were refused: " + e.getMessage());
                    }
                }
            }
            if (text.wasTooLong()) {
                log.line("identity: facts were refused: they take more than " + FactsText.MAX_BYTES + " bytes");
            }
            count = line.read(buffer);
        }
        return Optional.empty();
    }

    /** Ends the wait for good. */
    void wake() throws IOException {
        line.wake();
    }

    @Override
    public void close() {
        line.close();
    }
}
