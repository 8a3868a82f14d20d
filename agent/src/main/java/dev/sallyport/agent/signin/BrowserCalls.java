package dev.sallyport.agent.signin;

import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.KernelRandom;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.provider.Provider.UrlSource;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What stands in for a browser where a tool starts one: small scripts, first on the {@code PATH} and in {@code $BROWSER},
 * that put the URL into a FIFO and end at once. One thread waits at the FIFO's other end.
 */
final class BrowserCalls implements AutoCloseable {
    /** Longest line taken; what is longer is cut, and refused for its length. */
    private static final int MAX_LINE = 9 * 1024;

    /** The names that programs start a browser by when they do not use {@code $BROWSER}. */
    private static final List<String> COMMANDS =
            List.of("xdg-open", "sensible-browser", "x-www-browser", "www-browser", "gnome-open", "open");

    private final Path folder;
    private final RandomAccessFile fifo;
    private final Thread reader;

    /** The line that ends the reading, which the tool does not know. */
    private final String last = "LAST " + KernelRandom.uuid();

    /**
     * Lays the scripts down and listens.
     *
     * @param folder a fresh folder that the tool can read
     * @param account who runs the tool
     * @param calls told of each URL and how it came, by one thread
     * @throws IOException when they cannot be laid down
     */
    BrowserCalls(Path folder, Processes processes, Optional<Account> account, BiConsumer<UrlSource, String> calls)
            throws IOException {
        this.folder = folder;
        Path pipe = folder.resolve("calls");
        processes.makeFifo(pipe, 0600);
        if (account.isPresent()) {
            processes.give(pipe, account.get());
        }
        Path programs = Files.createDirectory(programs());
        Path program = programs.resolve(COMMANDS.getFirst());
        script(program, UrlSource.XDG_OPEN, pipe);
        for (String command : COMMANDS.subList(1, COMMANDS.size())) {
            Files.createLink(programs.resolve(command), program);
        }
        script(variable(), UrlSource.BROWSER_VARIABLE, pipe);
        // Both ways, so that opening does not wait for a writer, and reading does not end with each one.
        fifo = new RandomAccessFile(pipe.toFile(), "rw");
        reader = Thread.ofPlatform().daemon().name("browser-calls").start(() -> read(calls));
    }

    /** The folder to be first on the {@code PATH}. */
    Path programs() {
        return folder.resolve("bin");
    }

    /** The program for {@code $BROWSER}. */
    Path variable() {
        return folder.resolve("browser");
    }

    @Override
    public void close() throws IOException {
        fifo.write(("\n" + last + "\n").getBytes(StandardCharsets.UTF_8));
        boolean interrupted = false;
        while (reader.isAlive()) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        fifo.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Takes the last argument that is a web address, as some programs put options before it. */
    private static void script(Path file, UrlSource source, Path pipe) throws IOException {
        Files.writeString(file, """
                #!/bin/sh
                for argument; do
                  case "$argument" in
                    http://*|https://*) url=$argument ;;
                  esac
                done
                [ -n "$url" ] && printf '%%s %%s\\n' %s "$url" > '%s'
                exit 0
                """.formatted(source, pipe));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void read(BiConsumer<UrlSource, String> calls) {
        var line = new StringBuilder();
        byte[] buffer = new byte[4096];
        try {
            while (true) {
                int length = fifo.read(buffer);
                for (int i = 0; i < length; i++) {
                    char c = (char) (buffer[i] & 0xff);
                    if (c != '\n') {
                        if (line.length() < MAX_LINE) {
                            line.append(c);
                        }
                        continue;
                    }
                    String whole = line.toString();
                    line.setLength(0);
                    if (whole.equals(last)) {
                        return;
                    }
                    for (UrlSource source : List.of(UrlSource.BROWSER_VARIABLE, UrlSource.XDG_OPEN)) {
                        if (whole.startsWith(source + " ")) {
                            calls.accept(source, whole.substring(source.name().length() + 1));
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the browser calls cannot be read", e);
        }
    }
}
