package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sound file systems and archives, each damaged in some hundred ways at random: whatever is read of them ends with the tree, or with
 * an IOException, and never reads more than some times what is there.
 */
final class DamageTest {
    private static final int VARIANTS = 300;
    private static final int MOST_ENTRIES = 2_000;
    /** What one walk may read: each entry's inode, its folder and its content, all bounded. */
    private static final long MOST_READ = 1L << 30;

    @TempDir
    private Path folder;

    /** What opens a tree from bytes. */
    private interface Opening {
        FileTree open(ByteSource source) throws IOException;
    }

    @Test
    void ext4() throws Exception {
        survives(image("mke2fs -q -F -t ext4 -b 1024 -N 128 -d root image 3M"), 6000, Ext4Tree::open);
    }

    @Test
    void ext4WithInlineData() throws Exception {
        survives(
                image("mke2fs -q -F -t ext4 -b 4096 -I 512 -O inline_data -N 128 -d root image 3M"),
                40_000,
                Ext4Tree::open);
    }

    @Test
    void ext2() throws Exception {
        survives(image("mke2fs -q -F -t ext2 -b 1024 -N 128 -d root image 3M"), 40_000, Ext4Tree::open);
    }

    @Test
    void erofs() throws Exception {
        survives(image("mkfs.erofs --quiet image root"), 4000, ErofsTree::open);
    }

    @Test
    void erofsInChunks() throws Exception {
        survives(image("mkfs.erofs --quiet --chunksize=4096 image root"), 4000, ErofsTree::open);
    }

    @Test
    void tar() throws Exception {
        survives(image("tar --format=pax --sparse -cf image -C root ."), 60_000, TarTree::open);
        survives(image("tar --format=gnu --sparse -cf image -C root ."), 60_000, TarTree::open);
    }

    @Test
    void compressedTar() throws Exception {
        for (String program : List.of("gzip", "xz", "zstd -q", "bzip2", "lz4 -q", "lz4 -q -l", "lzma")) {
            byte[] whole = image("tar -cf tar -C root . && " + program + " -c <tar >image");
            Compression compression = Compression.of(whole).orElseThrow();
            survives(whole, whole.length, 40, source -> TarTree.open(source, compression, folder, 32 << 20));
        }
    }

    @Test
    void qcow2() throws Exception {
        byte[] ext4 = image("mke2fs -q -F -t ext4 -b 1024 -N 128 -d root image 3M");
        survives(Disks.qcow2(ext4, 9), 60_000, source -> Ext4Tree.open(Qcow2Source.of(source)));
        survives(Disks.qcow2(ext4, 12), 12_000, source -> Ext4Tree.open(Qcow2Source.of(source)));
    }

    @Test
    void partitions() throws Exception {
        for (byte[] disk :
                List.of(Disks.gpt(new byte[700], new byte[700]), Disks.mbr(new byte[700], new byte[70], new byte[9]))) {
            var random = new Random(5);
            for (int variant = 0; variant < VARIANTS; variant++) {
                byte[] damaged = damage(disk, variant % 2 == 0 ? 1536 : disk.length, random);
                try {
                    Partitions.of(new Counted(damaged))
                            .ifPresent(found -> assertThat(found)
                                    .allSatisfy(one ->
                                            assertThat(one.start() + one.size()).isLessThanOrEqualTo(damaged.length))
                                    .hasSizeLessThan(300));
                } catch (IOException e) {
                    assertThat(e).hasMessageNotContaining("null");
                }
            }
        }
    }

    private void survives(byte[] whole, int interesting, Opening opening) {
        survives(whole, interesting, VARIANTS, opening);
    }

    /** @param interesting most damage is done to this many first bytes, where the tables are */
    private static void survives(byte[] whole, int interesting, int variants, Opening opening) {
        var random = new Random(42);
        int sound = 0;
        for (int variant = 0; variant < variants; variant++) {
            byte[] damaged =
                    damage(whole, variant % 4 == 3 ? whole.length : Math.min(whole.length, interesting), random);
            var source = new Counted(damaged);
            try (FileTree tree = opening.open(source)) {
                walk(tree);
                sound++;
            } catch (IOException e) {
                assertThat(e.getMessage()).as("variant %d", variant).isNotBlank();
            } catch (RuntimeException | Error e) {
                throw new AssertionError("variant " + variant, e);
            }
            assertThat(source.read).as("variant %d", variant).isLessThan(MOST_READ);
        }
        // Damage that nothing notices, and damage that is noticed: else this test tries nothing.
        assertThat(sound).isLessThan(variants);
    }

    private static void walk(FileTree layer) throws IOException {
        var tree = new Tree(List.of(layer));
        Tree.Walk walk = tree.walk("/", MOST_ENTRIES, entry -> {
            try {
                switch (entry.kind()) {
                    case FILE -> {
                        entry.read(100_000);
                        entry.read(entry.node().size() - 10, 100);
                        entry.read(entry.node().size() / 2, 5000);
                    }
                    case LINK -> {
                        entry.target();
                        tree.find(entry.path());
                    }
                    case FOLDER -> layer.opaque(entry.node());
                    default -> tree.find(entry.path() + "/x");
                }
            } catch (IOException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
            return true;
        });
        assertThat(walk.entries()).isLessThanOrEqualTo(MOST_ENTRIES);
    }

    private static byte[] damage(byte[] whole, int interesting, Random random) {
        byte[] damaged =
                random.nextInt(5) == 0 ? Arrays.copyOf(whole, 1 + random.nextInt(whole.length)) : whole.clone();
        int flips = 1 + random.nextInt(40);
        for (int i = 0; i < flips; i++) {
            int at = random.nextInt(Math.min(interesting, damaged.length));
            switch (random.nextInt(4)) {
                case 0 -> damaged[at] = (byte) random.nextInt();
                case 1 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> damaged[at] = (byte) 0xff;
                default -> damaged[at] = 0;
            }
        }
        return damaged;
    }

    private byte[] image(String command) throws Exception {
        Path root = folder.resolve("root");
        if (!Files.exists(root)) {
            Programs.text(root.resolve("etc/passwd"), "root\n");
            Programs.text(root.resolve("etc/" + "n".repeat(120)), "a long name\n");
            Programs.link(root.resolve("etc/link"), "passwd");
            Programs.link(root.resolve("etc/far"), "x/".repeat(60));
            Programs.text(root.resolve("a/b/c/d"), "deep\n");
            Files.write(root.resolve("large"), new byte[30_000]);
            byte[] content = new byte[300_000];
            new Random(1).nextBytes(content);
            Files.write(root.resolve("larger"), content);
            for (int i = 0; i < 40; i++) {
                Programs.text(root.resolve("many/file-with-a-name-" + i), "x");
            }
            Programs.run(root, "truncate", "-s", "200k", "holes");
        }
        Files.deleteIfExists(folder.resolve("image"));
        Programs.run(folder, "sh", "-c", command);
        return Files.readAllBytes(folder.resolve("image"));
    }

    /** Bytes that count how many of them were read. */
    private static final class Counted implements ByteSource {
        private final byte[] bytes;
        private long read;

        Counted(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public void read(long from, ByteBuffer into) throws IOException {
            need(from, into.remaining());
            read += into.remaining();
            into.put(bytes, (int) from, into.remaining());
        }

        @Override
        public void close() {}
    }
}
