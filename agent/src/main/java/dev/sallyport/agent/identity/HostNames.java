package dev.sallyport.agent.identity;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.HostsFile;
import dev.sallyport.agent.linux.Kernel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What the machine is called: machine-id(5), its host name, hosts(5). The same that the initramfs makes of the same facts. */
final class HostNames {
    private static final int ID_DIGITS = 32;

    private final Path root;
    private final Kernel kernel;

    /**
     * @param root the machine's root folder
     * @param kernel who is told the host's name
     */
    HostNames(Path root, Kernel kernel) {
        this.root = root;
        this.kernel = kernel;
    }

    /** Names it. */
    void set(Facts facts) throws IOException {
        Path etc = root.resolve("etc");
        Files.writeString(etc.resolve("machine-id"), machineId(facts.machineId()) + "\n");
        kernel.setHostName(facts.hostname());
        Files.writeString(etc.resolve("hostname"), facts.hostname() + "\n");
        HostsFile.write(root, facts);
    }

    private static String machineId(String machine) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest((machine + "\n").getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest).substring(0, ID_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
