package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.Digests;
import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.model.CauseCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verifier on small images made by the real mkfs.erofs(1): a sound one, and one for each thing that can be wrong. */
final class ImageVerifierTest {
    private static final String UNIT = "etc/systemd/system/sallyport-agent.service";
    private static final String WANTS = "etc/systemd/system/sallyport.target.wants/sallyport-agent.service";

    @TempDir
    private Path folder;

    private Path root;
    private Path agent;
    private String recipe = "cli";
    private List<String> modules = List.of("virtio_mmio", "virtio_pci", "virtio_blk", "virtio_net", "erofs", "overlay");

    @BeforeEach
    void soundTrees() throws IOException {
        root = Files.createDirectories(folder.resolve("root"));
        agent = Files.createDirectories(folder.resolve("agent"));
        text(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
        text(root, "etc/ssl/certs/ca-certificates.crt", "certificates\n");
        text(root, "etc/systemd/system/sallyport.target", "[Unit]\nDefaultDependencies=no\n");
        link(root, "etc/systemd/system/default.target", "sallyport.target");
        text(root, "etc/machine-id", "");
        program(root, "usr/bin/sh", Elves.program().bytes());
        program(root, "usr/bin/env", Elves.program().bytes());
        program(root, "usr/lib/systemd/systemd", Elves.program().bytes());
        link(root, "usr/sbin/init", "../lib/systemd/systemd");
        program(root, "usr/lib64/ld-linux-x86-64.so.2", Elves.library().bytes());
        link(root, "bin", "usr/bin");
        link(root, "sbin", "usr/sbin");
        link(root, "lib64", "usr/lib64");
        text(
                agent,
                UNIT,
                "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/opt/sallyport/agent/bin/agent --flag\n");
        link(agent, WANTS, "/etc/systemd/system/sallyport-agent.service");
        program(agent, "opt/sallyport/agent/bin/agent", "#!/bin/sh\nexec true\n".getBytes(StandardCharsets.US_ASCII));
        program(agent, "opt/sallyport/tools/demo/bin/demo", "#!/usr/bin/env sh\n".getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void aSoundImageHasNoFindingAndSaysWhatWasProven() throws Exception {
        Image image = image();
        assertThat(ImageVerifier.verify(image)).isEmpty();
        assertThat(ImageVerifier.report(image, List.of()).proven())
                .anySatisfy(clause -> assertThat(clause).contains("layers"));
    }

    @Test
    void theLayersAreOneTree() throws Exception {
        Files.delete(agent.resolve(UNIT));
        Found.error(verify(), CauseCode.UNIT_LINK_DANGLING, WANTS);
        Files.delete(agent.resolve(WANTS));
        Found.error(verify(), CauseCode.AGENT_MISSING);
    }

    @Test
    void anotherUnitMayBeAskedFor() throws Exception {
        Found.error(
                ImageVerifier.report(image(), List.of("other.service")).findings(),
                CauseCode.AGENT_MISSING,
                "other.service");
    }

    @Test
    void anImageWithoutInitIsFound() throws Exception {
        Files.delete(root.resolve("usr/sbin/init"));
        Found.error(verify(), CauseCode.INIT_MISSING, "/sbin/init");
        link(root, "usr/sbin/init", "gone");
        Found.error(verify(), CauseCode.INIT_MISSING, "a link to gone");
    }

    @Test
    void aToolThatCannotRunIsFound() throws Exception {
        program(
                agent,
                "opt/sallyport/tools/demo/bin/demo",
                "#!/usr/bin/env node\n".getBytes(StandardCharsets.US_ASCII));
        Found.error(verify(), CauseCode.INTERPRETER_MISSING, "The tool demo", "'node'");
        program(agent, "opt/sallyport/node/bin/node", Elves.program().bytes());
        Found.nothing(verify());
    }

    @Test
    void aToolWithoutACommandIsFound() throws Exception {
        Files.delete(agent.resolve("opt/sallyport/tools/demo/bin/demo"));
        Found.error(verify(), CauseCode.TOOL_MISSING, "demo");
        link(agent, "opt/sallyport/tools/demo/bin/demo", "../lib/demo");
        Found.error(verify(), CauseCode.TOOL_MISSING, "leads nowhere");
    }

    @Test
    void aMissingUserAndMissingAuthoritiesAreFound() throws Exception {
        text(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        Found.error(verify(), CauseCode.PART_FAILED, "'user'");
        text(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
        text(root, "etc/ssl/certs/ca-certificates.crt", "");
        Found.error(verify(), CauseCode.IMAGE_UNSOUND, "authorities");
    }

    @Test
    void aBrowserMachineNeedsItsDesktop() throws Exception {
        recipe = "browser";
        assertThat(verify())
                .filteredOn(found -> found.code() == CauseCode.PART_FAILED)
                .hasSize(4);
    }

    @Test
    void aMissingDriverIsFoundByItsKind() throws Exception {
        modules = List.of("virtio_mmio", "virtio_pci", "virtio_net", "erofs", "overlay");
        Found.error(verify(), CauseCode.DISK_DRIVER_MISSING, "virtio_blk");
        modules = List.of("virtio_mmio", "virtio_pci", "virtio_blk", "erofs", "overlay");
        Found.error(verify(), CauseCode.NETWORK_DEVICE_MISSING, "virtio_net");
    }

    @Test
    void aKernelOrInitramfsOfNoKnownFormIsFound() throws Exception {
        Image image = image();
        Files.writeString(image.kernel(), "no kernel");
        Found.error(ImageVerifier.verify(image), CauseCode.IMAGE_UNSOUND, "kernel");
        image = image();
        Files.writeString(image.initramfs(), "no archive");
        Found.error(ImageVerifier.verify(image), CauseCode.IMAGE_UNSOUND, "initramfs");
        Files.delete(image.initramfs());
        Found.error(ImageVerifier.verify(image), CauseCode.IMAGE_UNSOUND, "initramfs");
    }

    @Test
    void aLayerThatWasChangedTruncatedReplacedOrLostIsFound() throws Exception {
        Image image = image();
        Path file = image.layers().getLast().file();
        byte[] whole = Files.readAllBytes(file);

        byte[] changed = whole.clone();
        changed[changed.length - 1] ^= 1;
        Files.write(file, changed);
        Found.error(ImageVerifier.verify(image), CauseCode.LAYER_CORRUPT, "not what was built", file.toString());

        Files.write(file, java.util.Arrays.copyOf(whole, 700));
        Found.error(ImageVerifier.verify(image), CauseCode.LAYER_CORRUPT, "cannot be read");

        Files.write(file, new byte[whole.length]);
        Found.error(ImageVerifier.verify(image), CauseCode.LAYER_CORRUPT, "not an erofs");

        Files.copy(image.layers().getFirst().file(), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Found.error(ImageVerifier.verify(image), CauseCode.LAYER_MISSING, "another file system");

        Files.delete(file);
        Found.error(ImageVerifier.verify(image), CauseCode.LAYER_MISSING, "not there");
    }

    private List<Finding> verify() throws IOException, InterruptedException {
        return ImageVerifier.verify(image());
    }

    private Image image() throws IOException, InterruptedException {
        Path kernel = Files.write(folder.resolve("vmlinux"), Elves.library().bytes());
        Path initramfs = Files.write(folder.resolve("initramfs"), initramfs());
        return new Image(
                "0123456789abcdef",
                recipe,
                Instant.EPOCH,
                kernel,
                initramfs,
                List.of(layer("root-cli", root), layer("agent", agent)),
                List.of("console=ttyS0", "quiet"));
    }

    /** An archive of the format newc with an init and the modules. */
    private byte[] initramfs() {
        var archive = new ByteArrayOutputStream();
        entry(archive, "init", 0100755, "#!/bin/sh\n");
        modules.forEach(module -> entry(archive, "lib/modules/6.1.0/kernel/" + module + ".ko", 0100644, "module"));
        entry(archive, "TRAILER!!!", 0, "");
        return archive.toByteArray();
    }

    private static void entry(ByteArrayOutputStream archive, String name, int mode, String content) {
        String head = String.format(
                Locale.ROOT,
                "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                1,
                mode,
                0,
                0,
                1,
                0,
                content.length(),
                0,
                0,
                0,
                0,
                name.length() + 1,
                0);
        archive.writeBytes((head + name + "\0").getBytes(StandardCharsets.US_ASCII));
        archive.writeBytes(new byte[(4 - archive.size() % 4) % 4]);
        archive.writeBytes(content.getBytes(StandardCharsets.US_ASCII));
        archive.writeBytes(new byte[(4 - archive.size() % 4) % 4]);
    }

    private Layer layer(String name, Path tree) throws IOException, InterruptedException {
        UUID uuid = UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.US_ASCII));
        Path file = folder.resolve(name + ".erofs");
        Process process = new ProcessBuilder(
                        "mkfs.erofs", "--quiet", "-x-1", "-U" + uuid, file.toString(), tree.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return new Layer(name, Digests.of(file), uuid, file, Files.size(file));
    }

    private static void text(Path tree, String path, String content) throws IOException {
        Files.createDirectories(tree.resolve(path).getParent());
        Files.writeString(tree.resolve(path), content);
    }

    private static void program(Path tree, String path, byte[] content) throws IOException {
        Files.createDirectories(tree.resolve(path).getParent());
        Files.write(tree.resolve(path), content);
        Files.setPosixFilePermissions(tree.resolve(path), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void link(Path tree, String path, String target) throws IOException {
        Files.createDirectories(tree.resolve(path).getParent());
        Files.createSymbolicLink(tree.resolve(path), Path.of(target));
    }
}
