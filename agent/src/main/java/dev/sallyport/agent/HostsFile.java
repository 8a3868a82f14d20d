package dev.sallyport.agent;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Writes hosts(5): the machine's own name and that of its way out. */
public final class HostsFile {
    private HostsFile() {}

    /**
     * Writes it, in place so that whoever watches it sees that; not at all when it is right already, or the facts name nothing.
     *
     * @param root the machine's root folder
     * @throws IOException when it cannot be written
     */
    public static void write(Path root, Facts facts) throws IOException {
        if (facts.hostname().isEmpty() && Gateway.of(facts.proxy()).isEmpty()) {
            return;
        }
        var text = new StringBuilder("127.0.0.1 localhost");
        if (!facts.hostname().isEmpty()) {
            text.append(' ').append(facts.hostname());
        }
        text.append('\n');
        Gateway.of(facts.proxy())
                .ifPresent(gateway -> text.append(gateway.host())
                        .append(' ')
                        .append(Gateway.NAME)
                        .append('\n'));
        byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
        Path file = root.resolve("etc/hosts");
        if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), bytes)) {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        }
    }
}
