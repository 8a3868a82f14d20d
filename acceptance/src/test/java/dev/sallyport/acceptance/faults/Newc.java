package dev.sallyport.acceptance.faults;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;

/** Takes files out of archives of the format newc (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */
final class Newc {
    private static final int HEAD = 110;

    private Newc() {}

    static byte[] without(byte[] archive, Predicate<String> unwanted) {
        var kept = new ByteArrayOutputStream(archive.length);
        int at = 0;
        boolean any = false;
        while (at < archive.length) {
            if (archive[at] == 0) {
                // Between one archive and the next.
                kept.write(0);
                at++;
                continue;
            }
            int size = field(archive, at + 54);
            int nameSize = field(archive, at + 94);
            String name = new String(archive, at + HEAD, nameSize - 1, StandardCharsets.UTF_8);
            int content = aligned(at + HEAD + nameSize);
            int next = aligned(content + size);
            if (unwanted.test(name)) {
                any = true;
            } else {
                kept.write(archive, at, next - at);
            }
            at = next;
        }
        if (!any) {
            throw new IllegalArgumentException("there is nothing to take out");
        }
        return kept.toByteArray();
    }

    private static int field(byte[] archive, int at) {
        return Integer.parseInt(new String(archive, at, 8, StandardCharsets.US_ASCII), 16);
    }

    private static int aligned(int offset) {
        return (offset + 3) & ~3;
    }
}
