package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reader on tarballs of the real tar(1), and on ones that no tar would write. */
final class TarTreeTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--format=gnu",
                "--format=gnu --sparse",
                "--format=pax",
                "--format=pax --sparse --sparse-version=0.0",
                "--format=pax --sparse --sparse-version=0.1",
                "--format=pax --sparse --sparse-version=1.0",
                "--format=oldgnu --sparse",
            })
    void everyFormatIsTheSameTree(String options) throws Exception {
        Path root = Programs.sample(folder.resolve("root"));
        Path tar = folder.resolve("root.tar");
        Programs.run(folder, "sh", "-c", "tar " + options + " -cf \"$0\" -C \"$1\" .", tar.toString(), root.toString());
        try (var tree = TarTree.open(ByteSource.file(tar))) {
            assertThat(Programs.lines(tree)).isEqualTo(Programs.lines(FolderTree.open(root)));
            var whole = new Tree(List.of(tree));
            assertThat(whole.find("/data/same").orElseThrow().node().number())
                    .isEqualTo(whole.find("/data/4097").orElseThrow().node().number());
        }
    }

    @ParameterizedTest
    @CsvSource({"gzip,gzip", "xz -1,xz", "zstd -q,zstd", "bzip2,bzip2", "lz4 -q,lz4"})
    void itMayBeCompressed(String program, String word) throws Exception {
        Path root = Programs.sample(folder.resolve("root"));
        Path tar = folder.resolve("a tarball without a suffix");
        Programs.run(
                folder, "sh", "-c", "tar -c -C \"$1\" . | " + program + " -c >\"$0\"", tar.toString(), root.toString());
        Path temporary = Files.createDirectory(folder.resolve("temporary"));
        try (var opened = TreeSource.open(tar, temporary)) {
            assertThat(opened.form()).isEqualTo("tarball (" + word + ")");
            assertThat(Programs.lines(opened.tree())).isEqualTo(Programs.lines(FolderTree.open(root)));
        }
        assertThat(temporary).isEmptyDirectory();
        try (var file = new java.io.RandomAccessFile(tar.toFile(), "rw")) {
            file.setLength(file.length() / 2);
        }
        assertThatThrownBy(() -> TreeSource.open(tar, temporary))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cut short");
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void whatUnpacksToTooMuchIsRefused() throws Exception {
        Path tar = folder.resolve("bomb");
        Programs.run(folder, "sh", "-c", "head -c 50000000 /dev/zero | zstd -q -c >\"$0\"", tar.toString());
        try (ByteSource source = ByteSource.file(tar)) {
            assertThatThrownBy(() -> TarTree.open(source, Compression.ZSTD, folder, 1_000_000))
                    .hasMessageContaining("larger than 1000000 bytes");
        }
        assertThat(folder).isDirectoryContaining("glob:**/bomb").isDirectoryNotContaining("glob:**/sallyport*");
    }

    @Test
    void ofTwoMembersWithOneNameTheLastCounts() throws Exception {
        try (var tree = open(tar -> {
            file(tar, "a/one", "first");
            file(tar, "a/two", "first");
            file(tar, "./a/one", "last");
            put(tar, folderEntry("a/"), "");
            link(tar, "x", "a");
            file(tar, "x", "no link any more");
        })) {
            assertThat(tree.find("/a/one").orElseThrow().text(100)).isEqualTo("last");
            assertThat(tree.names("/a")).containsExactly("one", "two");
            assertThat(tree.find("/x").orElseThrow().text(100)).isEqualTo("no link any more");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "a/../../x", "a/..", "/../etc/passwd", ".."})
    void aNameThatLeadsOutIsRefused(String name) {
        assertThatThrownBy(() -> open(tar -> file(tar, name, "x"))).hasMessageContaining("leads out of its folder");
    }

    @Test
    void anAbsoluteNameIsOneInTheTree() throws Exception {
        try (var tree = open(tar -> {
            var entry = new TarArchiveEntry("/etc//./x", true);
            put(tar, entry, "content");
        })) {
            assertThat(tree.find("/etc/x").orElseThrow().text(100)).isEqualTo("content");
        }
    }

    @Test
    void aNameThroughALinkIsRefused() {
        assertThatThrownBy(() -> open(tar -> {
                    link(tar, "out", "/etc");
                    file(tar, "out/passwd", "x");
                }))
                .hasMessageContaining("'out/passwd' goes through 'out', which is no folder");
    }

    @Test
    void longNamesAreRefused() {
        assertThatThrownBy(() -> open(tar -> file(tar, "n".repeat(100_000), "x")))
                .hasMessageContaining("more than 4096 characters");
        assertThatThrownBy(() -> open(tar -> file(tar, "n".repeat(300), "x")))
                .hasMessageContaining("a name of 300 characters");
    }

    @Test
    void aZeroByteInANameIsRefused() throws Exception {
        byte[] bytes = bytes(tar -> file(tar, "a".repeat(120) + "Z.txt", "x"));
        int changed = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == 'Z') {
                bytes[i] = 0;
                changed++;
            }
        }
        assertThat(changed).isEqualTo(1);
        Path path = Files.write(folder.resolve("zero"), bytes);
        try (ByteSource source = ByteSource.file(path)) {
            assertThatThrownBy(() -> TarTree.open(source)).hasMessageContaining("zero byte");
        }
    }

    @Test
    void aHardLinkToWhatIsNotThereIsRefused() {
        for (String target : List.of("nowhere", "../../etc/passwd", "folder")) {
            assertThatThrownBy(() -> open(tar -> {
                        put(tar, folderEntry("folder/"), "");
                        var entry = new TarArchiveEntry("x", TarConstants.LF_LINK);
                        entry.setLinkName(target);
                        put(tar, entry, "");
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("the tarball's");
        }
    }

    @Test
    void tooManyEntriesAreRefused() throws Exception {
        byte[] bytes = bytes(tar -> {
            for (int i = 0; i < 20; i++) {
                file(tar, "f" + i, "");
            }
            file(tar, "a/b/c/d/e/f", "");
        });
        Path path = Files.write(folder.resolve("many"), bytes);
        try (ByteSource source = ByteSource.file(path)) {
            assertThat(TarTree.open(source, 26).list(TarTree.open(source, 26).root()))
                    .hasSize(21);
            assertThatThrownBy(() -> TarTree.open(source, 25)).hasMessageContaining("more than 25 entries");
        }
    }

    @Test
    void whatIsCutShortSaysSo() throws Exception {
        byte[] whole = bytes(tar -> {
            file(tar, "a", "x".repeat(2000));
            file(tar, "b", "y".repeat(2000));
        });
        for (int length : new int[] {600, 1024, 2048, 2560, 4000, 5120}) {
            Path path = Files.write(folder.resolve("cut"), java.util.Arrays.copyOf(whole, length));
            try (ByteSource source = ByteSource.file(path)) {
                assertThatThrownBy(() -> TarTree.open(source))
                        .as("%d bytes", length)
                        .hasMessageContaining("cut short");
            }
        }
    }

    @Test
    void devicesOwnersAndAttributesAreSeen() throws Exception {
        try (var tree = open(tar -> {
            var device = new TarArchiveEntry("null", TarConstants.LF_CHR);
            device.setDevMajor(1);
            device.setDevMinor(3);
            put(tar, device, "");
            put(tar, new TarArchiveEntry("fifo", TarConstants.LF_FIFO), "");
            var owned = new TarArchiveEntry("owned");
            owned.setIds(3_000_000, 70_000);
            owned.setMode(04711);
            put(tar, owned, "");
        })) {
            assertThat(tree.find("/null").orElseThrow().kind()).isEqualTo(FileTree.Kind.CHARACTER_DEVICE);
            assertThat(tree.find("/null").orElseThrow().node().whiteout()).isFalse();
            assertThat(tree.find("/fifo").orElseThrow().kind()).isEqualTo(FileTree.Kind.OTHER);
            assertThat(tree.find("/owned").orElseThrow().node().uid()).isEqualTo(3_000_000);
            assertThat(tree.find("/owned").orElseThrow().node().gid()).isEqualTo(70_000);
            assertThat(tree.find("/owned").orElseThrow().node().mode()).isEqualTo(04711);
        }
    }

    private interface Content {
        void write(TarArchiveOutputStream tar) throws IOException;
    }

    private static byte[] bytes(Content content) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var tar = new TarArchiveOutputStream(bytes, 512, "UTF-8")) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
            content.write(tar);
        }
        return bytes.toByteArray();
    }

    private Tree open(Content content) throws IOException {
        Path path = Files.write(folder.resolve("made.tar"), bytes(content));
        return new Tree(List.of(TarTree.open(ByteSource.file(path))));
    }

    private static void file(TarArchiveOutputStream tar, String name, String content) throws IOException {
        put(tar, new TarArchiveEntry(name, true), content);
    }

    private static void link(TarArchiveOutputStream tar, String name, String target) throws IOException {
        var entry = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
        entry.setLinkName(target);
        put(tar, entry, "");
    }

    private static TarArchiveEntry folderEntry(String name) {
        return new TarArchiveEntry(name);
    }

    private static void put(TarArchiveOutputStream tar, TarArchiveEntry entry, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        entry.setSize(bytes.length);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }
}
