package dev.sallyport.agent.desktop;

import dev.sallyport.agent.linux.KernelRandom;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;

/**
 * The X authority file (Xau(3)) with one entry for any address, so that the display is for the desktop's programs alone: a tool that
 * could connect to it would see what the user types.
 *
 * @param file the file
 * @param display the display's number
 */
record XCookie(Path file, int display) {
    /** Gives a file to whom the display is for. */
    @FunctionalInterface
    interface Giving {
        void give(Path path) throws IOException;
    }

    /**
     * Writes a fresh secret. An X server that runs reads the file again at the next connection when its time of change, in whole
     * seconds, is a later one. It takes what it read before as well, until it ends.
     *
     * @throws IOException when it cannot be written
     */
    void renew(Giving giving) throws IOException {
        long second = System.currentTimeMillis() / 1000;
        if (Files.exists(file)) {
            second = Math.max(second, Files.getLastModifiedTime(file).to(TimeUnit.SECONDS) + 1);
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(fresh, content());
        giving.give(fresh);
        Files.setLastModifiedTime(fresh, FileTime.from(second, TimeUnit.SECONDS));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private byte[] content() throws IOException {
        byte[] secret = KernelRandom.bytes(16);
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.writeShort(0xffff); // FamilyWild
        out.writeShort(0); // any address
        byte[] number = String.valueOf(display).getBytes(StandardCharsets.US_ASCII);
        out.writeShort(number.length);
        out.write(number);
        byte[] method = "MIT-MAGIC-COOKIE-1".getBytes(StandardCharsets.US_ASCII);
        out.writeShort(method.length);
        out.write(method);
        out.writeShort(secret.length);
        out.write(secret);
        return bytes.toByteArray();
    }
}
