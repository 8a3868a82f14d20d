package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a file is, told by its content: all that is taken, and what is said of the rest. */
final class TreeSourceTest {
    @TempDir
    private Path folder;

    @Test
    void eachFormIsNamedAndIsTheSameTree() throws Exception {
        Path root = root();
        List<String> lines = Programs.lines(FolderTree.open(root));
        byte[] ext4 = ext4(root);
        byte[] erofs = erofs(root);
        Programs.run(folder, "tar", "-cf", "tar", "-C", "root", ".");
        is(root, "folder", lines);
        is(write("a", ext4), "ext4 file system", lines);
        is(write("b", erofs), "erofs file system", lines);
        is(folder.resolve("tar"), "tarball", lines);
        is(write("c", Disks.gpt(new byte[100_000], ext4)), "disk image, partition 2: ext4 file system", lines);
        is(write("d", Disks.mbr(erofs)), "disk image, partition 1: erofs file system", lines);
        is(
                write("e", Disks.mbr(new byte[5000], new byte[512], erofs)),
                "disk image, partition 6: erofs file system",
                lines);
        is(write("f", Disks.qcow2(ext4, 16)), "qcow2 disk image: ext4 file system", lines);
        is(write("g", Disks.qcow2(Disks.gpt(ext4), 12)), "qcow2 disk image, partition 1: ext4 file system", lines);
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("tar"));
        is(folder.resolve("link"), "tarball", lines);
    }

    @Test
    void ofSeveralPartitionsTheOneWithARootIsTaken() throws Exception {
        Path root = root();
        Path data = folder.resolve("data");
        Programs.text(data.resolve("usr/file"), "data");
        byte[] boot = new byte[200_000];
        System.arraycopy("FAT32   ".getBytes(StandardCharsets.US_ASCII), 0, boot, 82, 8);
        try (var opened = TreeSource.open(write("disk", Disks.gpt(boot, erofs(data), ext4(root))))) {
            assertThat(opened.form()).isEqualTo("disk image, partition 3: ext4 file system");
        }
        refused(
                write("none", Disks.gpt(boot, erofs(data))),
                "is a disk image without a partition that holds a Linux root: partition 1 is a FAT file system,"
                        + " partition 2 is a file system without a Linux root");
    }

    @Test
    void anotherProgramsQcow2FilesAreReadToo() throws Exception {
        assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/qemu-img")),
                "qemu-img is not there (Debian's package qemu-utils)");
        Path raw = write("raw", ext4(root()));
        List<String> lines = Programs.lines(FolderTree.open(folder.resolve("root")));
        for (String options :
                List.of("", "-c", "-o compat=0.10", "-c -o cluster_size=4k", "-c -o compression_type=zstd")) {
            Path image = folder.resolve("image");
            Programs.run(
                    folder,
                    "sh",
                    "-c",
                    "qemu-img convert -O qcow2 " + options + " \"$0\" \"$1\"",
                    raw.toString(),
                    image.toString());
            is(image, "qcow2 disk image: ext4 file system", lines);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "8,0000000000000400,only what changed upon another disk image",
        "32,0000000100000000,encrypted",
        "72,0000000000000004,another file",
        "72,0000000000000010,extended_l2",
        "72,0000000000000400,features that are not read here (0x400)",
        "4,0000000400000000,version 4",
        "16,0000000000000030,2^48 bytes",
        "24,7000000000000000,do not fit its size",
        "40,7000000000000000,cut short",
    })
    void aQcow2FileThatCannotBeReadSaysWhy(int at, String value, String said) throws Exception {
        byte[] image = Disks.qcow2(new byte[300_000], 16);
        ByteBuffer.wrap(image).putLong(at, Long.parseUnsignedLong(value, 16));
        refused(write("image", image), said);
    }

    @Test
    void aQcow2TableThatLeadsNowhereSaysSo() throws Exception {
        byte[] image = Disks.qcow2(ext4(root()), 16);
        ByteBuffer.wrap(image).putLong(1 << 16, 0x00fffffffffe0000L);
        refused(write("image", image), "is wanted and there are");
    }

    @ParameterizedTest
    @CsvSource({
        "0,hsqs,squashfs file system: unpack it with 'unsquashfs'",
        "0,XFSB,an xfs file system; taken are",
        "65600,_BHRfS_M,btrfs",
        "512,LABELONE,LVM",
        "0,KDMV,VMware (VMDK): make it a qcow2 file",
        "0,LZIP,data of lzip",
        "0,070701,a cpio archive",
        "0,MZ,a program for Windows or UEFI",
        "0,\u007fELF,a program (ELF)",
    })
    void whatIsNotTakenIsNamed(int at, String bytes, String said) throws Exception {
        byte[] content = new byte[70_000];
        byte[] sign = bytes.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(sign, 0, content, at, sign.length);
        refused(write("file", content), said);
    }

    @Test
    void filesThatAreNothingAreNamedToo() throws Exception {
        refused(write("empty", new byte[0]), "an empty file; taken are a folder");
        refused(write("zeros", new byte[100_000]), "begins with zeros only");
        refused(write("text", "hello\n".repeat(300).getBytes(StandardCharsets.UTF_8)), "a text file");
        refused(write("short", new byte[] {'x'}), "a text file");
        refused(folder.resolve("missing"), "missing is not there");
        Files.createSymbolicLink(folder.resolve("dangling"), Path.of("nowhere"));
        refused(folder.resolve("dangling"), "a link that leads nowhere");
        Programs.run(folder, "sh", "-c", "echo some words | gzip >compressed; echo some words | xz >compressed2");
        refused(folder.resolve("compressed"), "is compressed (gzip) and holds no tarball");
        refused(folder.resolve("compressed2"), "is compressed (xz) and holds no tarball");
        refused(write("damaged", new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7}), "gzip data that is");
    }

    @Test
    void whatIsNoFileIsNotOpened() throws Exception {
        Programs.run(folder, "mkfifo", "pipe");
        refused(folder.resolve("pipe"), "is a pipe");
        refused(Path.of("/dev/null"), "/dev/null is a character device");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Path socket = folder.resolve("s");
            server.bind(UnixDomainSocketAddress.of(socket));
            refused(socket, "is a socket");
        }
    }

    @Test
    void aContainerImageInLayersIsNoRoot() throws Exception {
        Programs.text(folder.resolve("saved/manifest.json"), "[]");
        Programs.run(folder, "tar", "-cf", "saved.tar", "-C", "saved", ".");
        refused(folder.resolve("saved.tar"), "make a tarball of its root with 'docker export'");
    }

    @ParameterizedTest
    @ValueSource(ints = {600, 5000, 100_000})
    void whatIsCutShortSaysSo(int length) throws Exception {
        Path root = root();
        for (byte[] whole : List.of(ext4(root), erofs(root), Disks.qcow2(ext4(root), 12), Disks.gpt(ext4(root)))) {
            Path image = write("cut", Arrays.copyOf(whole, Math.min(length, whole.length - 20_000)));
            assertThatThrownBy(() -> {
                        try (var opened = TreeSource.open(image)) {
                            Tree.Walk walk = opened.tree().walk("/", 10_000, entry -> {
                                if (entry.kind() == FileTree.Kind.FILE) {
                                    entry.read(
                                            (int) Math.min(1 << 20, entry.node().size()));
                                }
                                return true;
                            });
                            if (!walk.whole()) {
                                throw new IOException(walk.toString());
                            }
                        }
                    })
                    .isInstanceOf(IOException.class)
                    .hasMessageNotContaining("null");
        }
    }

    private void refused(Path path, String said) {
        assertThatThrownBy(() -> TreeSource.open(path).close())
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(path.toString())
                .hasMessageContaining(said)
                .hasMessageNotContaining("\n");
    }

    private static void is(Path path, String form, List<String> lines) throws IOException {
        try (var opened = TreeSource.open(path)) {
            assertThat(opened.form()).isEqualTo(form);
            assertThat(opened.notes()).isEmpty();
            assertThat(Programs.lines(opened.tree())).as(form).isEqualTo(lines);
        }
    }

    private Path root() throws IOException {
        Path root = Programs.sample(folder.resolve("root"));
        Files.delete(root.resolve("etc/" + "n".repeat(255)));
        return root;
    }

    private byte[] ext4(Path root) throws Exception {
        Path image = Files.createTempFile(folder, "image", ".ext4");
        Programs.run(
                folder,
                "mke2fs",
                "-q",
                "-F",
                "-t",
                "ext4",
                "-N",
                "1024",
                "-d",
                root.toString(),
                image.toString(),
                "12M");
        return Files.readAllBytes(image);
    }

    private byte[] erofs(Path root) throws Exception {
        Path image = Files.createTempFile(folder, "image", ".erofs");
        Programs.run(folder, "mkfs.erofs", "--quiet", image.toString(), root.toString());
        return Files.readAllBytes(image);
    }

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }
}
