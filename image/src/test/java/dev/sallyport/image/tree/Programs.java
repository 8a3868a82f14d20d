package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** The programs that make file systems, one tree that all of them are given, and how trees are compared. */
final class Programs {
    private Programs() {}

    /** Runs a program to its end, which must be a good one; its output. */
    static String run(Path folder, String... command) throws Exception {
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", List.of(command), said).isZero();
        return said;
    }

    static boolean isRoot() {
        return System.getProperty("user.name", "").equals("root");
    }

    static Path text(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    static void link(Path file, String target) throws IOException {
        Files.createDirectories(file.getParent());
        Files.createSymbolicLink(file, Path.of(target));
    }

    /** A root with something of everything: files of many sizes, long names, links of all kinds, and a large folder. */
    static Path sample(Path root) throws IOException {
        Path usr = root.resolve("usr");
        text(root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
        text(root.resolve("etc/empty"), "");
        text(usr.resolve("lib/systemd/systemd"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(usr.resolve("lib/systemd/systemd"), PosixFilePermissions.fromString("rwxr-xr-x"));
        link(root.resolve("sbin/init"), "../usr/lib/systemd/systemd");
        link(root.resolve("lib"), "usr/lib");
        link(root.resolve("etc/long"), "/" + "a".repeat(50) + "/" + "b".repeat(200));
        link(root.resolve("etc/sixty"), "c".repeat(60));
        text(root.resolve("etc/" + "n".repeat(255)), "a long name\n");
        text(root.resolve("etc/grüße"), "a name beyond ASCII\n");
        var random = new Random(7);
        for (int size : new int[] {1, 59, 60, 61, 150, 1023, 1024, 1025, 4095, 4096, 4097, 70_000, 700_000}) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            Files.createDirectories(root.resolve("data"));
            Files.write(root.resolve("data/" + size), content);
        }
        Files.createLink(root.resolve("data/same"), root.resolve("data/4097"));
        try (var sparse = Files.newByteChannel(
                root.resolve("data/sparse"),
                java.nio.file.StandardOpenOption.CREATE_NEW,
                java.nio.file.StandardOpenOption.WRITE,
                java.nio.file.StandardOpenOption.SPARSE)) {
            for (long at : new long[] {70_000, 400_000, 1_500_000}) {
                sparse.position(at).write(StandardCharsets.US_ASCII.encode("not a hole"));
            }
        }
        for (int i = 0; i < 600; i++) {
            text(root.resolve(String.format(Locale.ROOT, "many/a-name-that-takes-some-room-%04d", i)), "");
        }
        return root;
    }

    /** All of a tree in lines: paths, kinds, modes, and contents; not what {@code mke2fs} adds. */
    static List<String> lines(Tree tree) throws IOException {
        List<String> lines = new ArrayList<>();
        Tree.Walk walk = tree.walk("/", 100_000, entry -> {
            if (entry.path().equals("/lost+found")) {
                return false;
            }
            lines.add(entry.path() + " " + entry.kind() + " "
                    + Integer.toOctalString(entry.node().mode()) + " "
                    + switch (entry.kind()) {
                        case FILE -> entry.node().size() + " " + digest(entry);
                        case LINK -> entry.target();
                        default -> "";
                    });
            return true;
        });
        assertThat(walk.whole()).as("%s", walk).isTrue();
        return lines;
    }

    /** In pieces of an odd size, so that reading from the middle is tried as well. */
    private static String digest(Tree.Entry entry) throws IOException {
        try {
            var digest = java.security.MessageDigest.getInstance("SHA-256");
            for (long at = 0; at < entry.node().size(); at += 33_333) {
                digest.update(entry.read(at, 33_333));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static List<String> lines(FileTree tree) throws IOException {
        return lines(new Tree(List.of(tree)));
    }
}
