package dev.sallyport.agent;

import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What a machine was told about itself: {@code key=value} lines that the initramfs copied from the facts disk.
 *
 * @param machineId its id
 * @param type its kind
 * @param tokenSha256 the hexadecimal SHA-256 of the agent's token
 * @param proxy {@code HOST:PORT} of the way out; empty when there is none
 * @param caCertificates a PEM bundle of further authorities in base64; empty when there are none
 */
public record Facts(String machineId, VmType type, String tokenSha256, String proxy, String caCertificates) {

    /**
     * Reads them.
     *
     * @throws IOException when the file cannot be read
     * @throws IllegalArgumentException when a line or a needed fact is not as it must be
     */
    public static Facts read(Path file) throws IOException {
        Map<String, String> lines = new HashMap<>();
        for (String line : Files.readAllLines(file)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                lines.put(line.substring(0, equals), line.substring(equals + 1));
            } else if (!line.isBlank()) {
                throw new IllegalArgumentException(file + " has a line without '='");
            }
        }
        String digest = lines.getOrDefault("token_sha256", "");
        if (!digest.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException(file + " has no token_sha256 of 64 hexadecimal digits");
        }
        String type = lines.getOrDefault("vm_type", "");
        VmType kind;
        try {
            kind = VmType.ofWire(type);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(file + " has no vm_type that is known: '" + type + "'", e);
        }
        return new Facts(
                lines.getOrDefault("machine_id", ""),
                kind,
                digest,
                lines.getOrDefault("proxy", ""),
                lines.getOrDefault("ca_certificates", ""));
    }
}
