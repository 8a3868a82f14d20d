package dev.sallyport.machine;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The small read-only disk that tells a machine who it is. A raw file: the line {@code SALLYPORT-FACTS 1}, then
 * {@code key=value} lines in the order of their keys, then {@code END}, padded with NUL bytes to a multiple of
 * {@value #BLOCK} bytes. It holds nothing secret: whoever is in the machine can read it.
 */
public final class FactsDisk {
    /** The first line. */
    public static final String HEADER = "SALLYPORT-FACTS 1";
    /** The file's size is a multiple of this many bytes. */
    public static final int BLOCK = 4096;
    /** The largest file, in bytes: what the initramfs reads. */
    public static final int MAX_BYTES = 256 * 1024;

    private static final Pattern KEY = Pattern.compile("[a-z][a-z0-9_]{0,63}");

    private FactsDisk() {}

    /**
     * The disk's content.
     *
     * @param facts values by key
     * @throws FailureException {@code BAD_REQUEST} when a key is not of the form {@code [a-z][a-z0-9_]*}, a value holds a control
     *     character (it would be another line), or all of it is too large; the message names the key, never the value
     */
    public static byte[] content(Map<String, String> facts) {
        byte[] bytes = text(facts).getBytes(StandardCharsets.UTF_8);
        int padded = (bytes.length + BLOCK - 1) / BLOCK * BLOCK;
        if (padded > MAX_BYTES) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "The facts take " + padded + " bytes, and " + MAX_BYTES + " are the most that a machine reads.");
        }
        return Arrays.copyOf(bytes, padded);
    }

    /**
     * The disk's text alone, which is also what a machine that begins from a template is told on its console.
     *
     * @throws FailureException {@code BAD_REQUEST} as {@link #content} does, but for the size
     */
    public static String text(Map<String, String> facts) {
        var text = new StringBuilder(HEADER).append('\n');
        new TreeMap<>(facts).forEach((key, value) -> {
            if (!KEY.matcher(key).matches()) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "A fact's key must match " + KEY.pattern() + ".");
            }
            if (value.chars().anyMatch(c -> Character.isISOControl(c) || c == '\u2028' || c == '\u2029')) {
                throw FailureException.of(
                        CauseCode.BAD_REQUEST,
                        "The fact '" + key + "' holds a line break or another control character.");
            }
            text.append(key).append('=').append(value).append('\n');
        });
        return text.append("END\n").toString();
    }

    /**
     * Writes the disk, readable by its owner alone.
     *
     * @param file replaced when it is there
     * @param facts see {@link #content}
     * @throws IOException when it cannot be written
     */
    public static void write(Path file, Map<String, String> facts) throws IOException {
        byte[] content = content(facts);
        try (FileChannel channel = FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        }
    }
}
