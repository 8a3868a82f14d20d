package dev.sallyport.agent.identity;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agent.linux.SerialLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads facts from the serial console. */
final class ConsoleFacts implements AutoCloseable {
    private static final int OWNERS = 0600;

    private final SerialLine line;
    private final Log log;
    private final FactsText text = new FactsText();
    private final byte[] buffer = new byte[4096];
    /** So many bytes are in the buffer, and so many of them have been taken. */
    private int count;

    private int taken;

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
        while (true) {
            try {
                return next(template);
            } catch (NewFacts.Refused e) {
                log.line("identity: facts were refused: " + e.getMessage());
            }
        }
    }

    private Optional<NewFacts> next(Facts template) throws IOException, NewFacts.Refused {
        while (true) {
            while (taken < count) {
                Optional<List<String>> lines = text.take(buffer[taken++]);
                if (lines.isPresent()) {
                    return Optional.of(NewFacts.of(lines.get(), template, System.nanoTime()));
                }
            }
            if (text.wasTooLong()) {
                log.line("identity: facts were refused: they take more than " + FactsText.MAX_BYTES + " bytes");
            }
            taken = 0;
            count = line.read(buffer);
            if (count < 0) {
                return Optional.empty();
            }
        }
    }

    /**
     * Reads facts as a clone does, from a FIFO.
     *
     * @param fifo where to make it; it is gone afterwards
     * @param told less than a pipe holds
     * @throws NewFacts.Refused when a clone would refuse them
     */
    static NewFacts rehearse(Path fifo, List<String> told, Facts template, Log log)
            throws IOException, NewFacts.Refused {
        // An agent that ended in its rehearsal has left one.
        Files.deleteIfExists(fifo);
        new Processes().makeFifo(fifo, OWNERS);
        try (var console = new ConsoleFacts(fifo, log)) {
            Files.write(fifo, FactsText.of(told), StandardOpenOption.WRITE);
            return console.next(template).orElseThrow(() -> new IOException("a FIFO ended that is open"));
        } finally {
            Files.delete(fifo);
        }
    }

    /** Ends the wait for good. */
    void wake() throws IOException {
        line.wake();
    }

    @Override
    public void close() {
        // A clone's seed was in it.
        Arrays.fill(buffer, (byte) 0);
        line.close();
    }
}
