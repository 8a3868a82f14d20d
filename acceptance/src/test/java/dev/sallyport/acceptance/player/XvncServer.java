package dev.sallyport.acceptance.player;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A real X server whose screen is served by the RFB protocol on a Unix socket. */
final class XvncServer {
    static final Path PROGRAM = Path.of("/usr/bin/Xvnc");

    private final Process process;
    private final Path socket;
    final int display;

    static boolean present() {
        return Files.isExecutable(PROGRAM);
    }

    XvncServer(Path folder) throws IOException {
        socket = folder.resolve("rfb");
        // It chooses a free display itself, and tells it when it is ready.
        process = new ProcessBuilder(
                        PROGRAM.toString(),
                        "-displayfd",
                        "1",
                        "-rfbport",
                        "-1",
                        "-rfbunixpath",
                        socket.toString(),
                        "-SecurityTypes",
                        "None",
                        "-geometry",
                        "800x600",
                        "-depth",
                        "24",
                        "-nolisten",
                        "tcp",
                        "-br")
                .redirectError(folder.resolve("xvnc.log").toFile())
                .start();
        BufferedReader told = process.inputReader(StandardCharsets.US_ASCII);
        String line = told.readLine();
        if (line == null) {
            throw new IOException("Xvnc ended: " + Files.readString(folder.resolve("xvnc.log")));
        }
        display = Integer.parseInt(line.strip());
    }

    SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }
}
