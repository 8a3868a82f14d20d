package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reader on file systems that the real mke2fs(8) and debugfs(8) made. */
final class Ext4TreeTest {
    private static final int SUPERBLOCK = 1024;

    @TempDir
    private Path folder;

    private Path root;

    @BeforeEach
    void sample() throws IOException {
        root = Programs.sample(folder.resolve("root"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-t ext2 -b 1024",
                "-t ext2 -b 4096",
                "-t ext2 -r 0 -b 1024",
                "-t ext3 -b 1024",
                "-t ext4 -b 1024",
                "-t ext4 -b 4096",
                "-t ext4 -b 2048 -I 128",
                "-t ext4 -b 4096 -O 64bit,metadata_csum,metadata_csum_seed",
                "-t ext4 -b 4096 -O ^64bit,^metadata_csum",
                "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode",
                "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode,^64bit,^sparse_super",
                "-t ext4 -b 4096 -O inline_data",
                "-t ext4 -b 1024 -I 512 -O inline_data",
                "-t ext4 -b 4096 -O bigalloc",
                "-t ext4 -b 4096 -O ^64bit,^extent,sparse_super2,large_dir,ea_inode",
            })
    void everyKindOfItIsTheSameTree(String options) throws Exception {
        try (var tree = Ext4Tree.open(make(options))) {
            assertThat(Programs.lines(tree)).isEqualTo(Programs.lines(FolderTree.open(root)));
            assertThat(tree.needsRecovery()).isFalse();
        }
    }

    @Test
    void foldersWithAnIndexAreReadToo() throws Exception {
        Path image = make("-t ext4 -b 1024");
        Programs.run(folder, "sh", "-c", "e2fsck -fyD \"$0\"; test $? -le 1", image.toString());
        assertThat(Programs.run(folder, "debugfs", "-R", "htree_dump /many", image.toString()))
                .contains("Root node dump");
        try (var tree = Ext4Tree.open(image)) {
            assertThat(Programs.lines(tree)).isEqualTo(Programs.lines(FolderTree.open(root)));
        }
    }

    @Test
    void itSaysItsUuidAndOwners() throws Exception {
        Path image = make("-t ext4 -U 01234567-89ab-cdef-0123-456789abcdef");
        debugfs(image, "sif /etc/passwd uid 70000", "sif /etc/passwd gid 65534", "sif /etc/passwd mode 0104755");
        try (var tree = Ext4Tree.open(image)) {
            assertThat(tree.uuid()).isEqualTo(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
            FileTree.Node node =
                    new Tree(List.of(tree)).find("/etc/passwd").orElseThrow().node();
            assertThat(node.uid()).isEqualTo(70_000);
            assertThat(node.gid()).isEqualTo(65_534);
            assertThat(node.mode()).isEqualTo(04755);
        }
    }

    @Test
    void twoNamesOfOneFileHaveOneNumber() throws Exception {
        try (var tree = new Tree(List.of(Ext4Tree.open(make("-t ext4"))))) {
            assertThat(tree.find("/data/same").orElseThrow().node().number())
                    .isEqualTo(tree.find("/data/4097").orElseThrow().node().number());
        }
    }

    @Test
    void anOpaqueFolderAndAWhiteoutAreSeen() throws Exception {
        Path image = make("-t ext4");
        debugfs(
                image,
                "ea_set /etc trusted.overlay.opaque y",
                "ea_set /data user.overlay.opaque y",
                "ea_set /many user.overlay.opaque n",
                "mknod gone c 0 0",
                "mknod null c 1 3");
        try (var tree = Ext4Tree.open(image)) {
            var names = tree.list(tree.root());
            assertThat(names).containsKeys("etc", "data", "many", "usr", "gone", "null");
            assertThat(tree.opaque(node(tree, "etc"))).isTrue();
            assertThat(tree.opaque(node(tree, "data"))).isTrue();
            assertThat(tree.opaque(node(tree, "many"))).isFalse();
            assertThat(tree.opaque(node(tree, "usr"))).isFalse();
            assertThat(node(tree, "gone").whiteout()).isTrue();
            assertThat(node(tree, "null").whiteout()).isFalse();
        }
    }

    @Test
    void aHugeFileOfHolesIsReadWhereItIsAsked() throws Exception {
        Path image = make("-t ext4 -b 4096");
        debugfs(image, "sif /data/4097 size " + (3L << 40));
        try (var tree = new Tree(List.of(Ext4Tree.open(image)))) {
            Tree.Entry file = tree.find("/data/4097").orElseThrow();
            assertThat(file.node().size()).isEqualTo(3L << 40);
            assertThat(file.read(2L << 40, 100_000)).hasSize(100_000).containsOnly(0);
            assertThat(file.read((3L << 40) - 5, 100)).hasSize(5);
            assertThat(file.read(3L << 40, 100)).isEmpty();
        }
    }

    @Test
    void itIsSaidWhenItWasNotUnmounted() throws Exception {
        Path image = make("-t ext4");
        debugfs(image, "feature needs_recovery");
        try (var tree = Ext4Tree.open(image)) {
            assertThat(tree.needsRecovery()).isTrue();
        }
        try (var opened = TreeSource.open(image)) {
            assertThat(opened.notes()).singleElement().asString().contains("not unmounted");
        }
    }

    @Test
    void whatItDoesNotKnowIsRefusedWithItsNumber() throws Exception {
        Path image = make("-t ext4");
        patch(image, SUPERBLOCK + 0x62, (byte) 0x40);
        assertThatThrownBy(() -> Ext4Tree.open(image))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("features that are not read here (incompatible features 0x400000)");
    }

    @Test
    void aJournalIsNoFileSystem() throws Exception {
        Path image = folder.resolve("journal");
        Programs.run(folder, "truncate", "-s", "8M", image.toString());
        Programs.run(folder, "mke2fs", "-q", "-F", "-O", "journal_dev", image.toString());
        assertThatThrownBy(() -> Ext4Tree.open(image)).hasMessageContaining("journal of another file system");
    }

    @Test
    void impossibleNumbersAreRefused() throws Exception {
        Path whole = make("-t ext4 -b 4096");
        record Lie(int at, int value, String said) {}
        for (var lie : List.of(
                new Lie(0x18, 60, "block size"),
                new Lie(0x58, 3, "an inode's size"),
                new Lie(0xfe, 0, "group descriptor"),
                new Lie(0x20, 0, "groups"),
                new Lie(0x28, 0, "inodes"))) {
            Path image = Files.copy(whole, folder.resolve("lie-" + lie.at()));
            for (int i = 0; i < (lie.at() == 0x58 || lie.at() == 0xfe ? 2 : 4); i++) {
                patch(image, SUPERBLOCK + lie.at() + i, (byte) (i == 0 ? lie.value() : 0));
            }
            assertThatThrownBy(() -> Ext4Tree.open(image)).as("%s", lie).hasMessageContaining(lie.said());
        }
    }

    @Test
    void whatIsCutShortSaysSo() throws Exception {
        Path image = make("-t ext4 -b 4096");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(60_000);
        }
        assertThatThrownBy(() -> {
                    try (var tree = new Tree(List.of(Ext4Tree.open(image)))) {
                        tree.names("/many");
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessageMatching("(?s).*(cut short|outside of the file system).*");
    }

    @Test
    void aFolderThatHoldsItselfIsNotWalkedForEver() throws Exception {
        Path image = make("-t ext4");
        debugfs(image, "mkdir /ring", "mkdir /ring/in", "ln /ring /ring/in/ring");
        try (var tree = new Tree(List.of(Ext4Tree.open(image)))) {
            Tree.Walk walk = tree.walk("/ring", 1000, entry -> true);
            assertThat(walk.entries()).isEqualTo(3);
            assertThat(walk.unread()).singleElement().asString().contains("/ring/in/ring");
            assertThat(walk.whole()).isFalse();
        }
    }

    private Path make(String options) throws Exception {
        Path image = folder.resolve("image-" + UUID.randomUUID());
        Programs.run(folder, "truncate", "-s", "24M", image.toString());
        Programs.run(
                folder,
                "sh",
                "-c",
                "mke2fs -q -F " + options + " -N 2048 -d \"$0\" \"$1\"",
                root.toString(),
                image.toString());
        return image;
    }

    private void debugfs(Path image, String... requests) throws Exception {
        for (String request : requests) {
            Programs.run(folder, "debugfs", "-w", "-R", request, image.toString());
        }
    }

    private static FileTree.Node node(FileTree tree, String name) throws IOException {
        return tree.lookup(tree.root(), name).orElseThrow();
    }

    private static void patch(Path image, long at, byte value) throws IOException {
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(at);
            file.write(value);
        }
    }
}
