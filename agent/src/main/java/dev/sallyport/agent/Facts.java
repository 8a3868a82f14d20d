package dev.sallyport.agent;

import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a machine was told about itself: {@code key=value} lines that the initramfs copied from the facts disk, or that came over the
 * console where the machine began from a template. Keys that are not known are no matter.
 *
 * @param machineId its id ({@code machine_id})
 * @param type its kind ({@code vm_type})
 * @param tokenSha256 the hexadecimal SHA-256 of the agent's token ({@code token_sha256})
 * @param proxy {@code HOST:PORT} of the way out; empty when there is none ({@code proxy})
 * @param caCertificates a PEM bundle of further authorities in base64; empty when there are none ({@code ca_certificates})
 * @param hostname the host's name; empty when it keeps the image's ({@code hostname})
 * @param layers the UUIDs of the layers that it is made of ({@code layers})
 * @param template whether it is one of which a template is made: it belongs to nobody, and waits for facts of its own
 *     ({@code template}, {@code 1} when it is)
 */
public record Facts(
        String machineId,
        VmType type,
        String tokenSha256,
        String proxy,
        String caCertificates,
        String hostname,
        String layers,
        boolean template) {

    /** Those of a machine that booted for itself, where the rest does not matter. */
    public Facts(String machineId, VmType type, String tokenSha256, String proxy, String caCertificates) {
        this(machineId, type, tokenSha256, proxy, caCertificates, "", "", false);
    }

    /**
     * Reads them.
     *
     * @throws IOException when the file cannot be read
     * @throws IllegalArgumentException when a line or a needed fact is not as it must be
     */
    public static Facts read(Path file) throws IOException {
        return of(values(Files.readAllLines(file), file.toString()), file.toString());
    }

    /**
     * The values of {@code key=value} lines.
     *
     * @param source where they are from, for the exception's words
     * @throws IllegalArgumentException when a line has no {@code =}
     */
    public static Map<String, String> values(List<String> lines, String source) {
        Map<String, String> values = new HashMap<>();
        for (String line : lines) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                values.put(line.substring(0, equals), line.substring(equals + 1));
            } else if (!line.isBlank()) {
                throw new IllegalArgumentException(source + " has a line without '='");
            }
        }
        return values;
    }

    /**
     * The facts among values.
     *
     * @param source where they are from, for the exception's words
     * @throws IllegalArgumentException when a needed fact is not as it must be
     */
    public static Facts of(Map<String, String> values, String source) {
        String digest = values.getOrDefault("token_sha256", "");
        if (!digest.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException(source + " has no token_sha256 of 64 hexadecimal digits");
        }
        String type = values.getOrDefault("vm_type", "");
        VmType kind;
        try {
            kind = VmType.ofWire(type);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(source + " has no vm_type that is known: '" + type + "'", e);
        }
        return new Facts(
                values.getOrDefault("machine_id", ""),
                kind,
                digest,
                values.getOrDefault("proxy", ""),
                values.getOrDefault("ca_certificates", ""),
                values.getOrDefault("hostname", ""),
                values.getOrDefault("layers", ""),
                values.getOrDefault("template", "").equals("1"));
    }
}
