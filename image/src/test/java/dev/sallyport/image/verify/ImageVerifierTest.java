package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.Digests;
import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
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

    @BeforeEach
    void soundTrees() throws IOException {
        root = Files.createDirectories(folder.resolve("root"));
        agent = Files.createDirectories(folder.resolve("agent"));
        text(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
        text(root, "etc/ssl/certs/ca-certificates.crt", "certificates\n");
        text(root, "etc/systemd/system/sallyport.target", "[Unit]\n");
        link(root, "etc/systemd/system/default.target", "sallyport.target");
        text(root, "etc/machine-id", "");
        program(root, "usr/bin/sh", elf(62, "/lib64/ld-linux-x86-64.so.2"));
        program(root, "usr/lib64/ld-linux-x86-64.so.2", elf(62, null));
        link(root, "bin", "usr/bin");
        link(root, "lib64", "usr/lib64");
        text(agent, UNIT, "[Service]\nExecStart=/opt/sallyport/agent/bin/agent --flag\n");
        link(agent, WANTS, "/etc/systemd/system/sallyport-agent.service");
        program(agent, "opt/sallyport/agent/bin/agent", "#!/bin/sh\nexec true\n".getBytes(StandardCharsets.US_ASCII));
        program(agent, "opt/sallyport/tools/demo/bin/demo", "#!/usr/bin/env sh\n".getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void aSoundImageHasNoFinding() throws Exception {
        assertThat(verify()).isEmpty();
    }

    @Test
    void aMissingAgentIsFound() throws Exception {
        Files.delete(agent.resolve(UNIT));
        assertThat(verify()).anySatisfy(found -> assertThat(found.toString()).contains("unit is missing"));
    }

    @Test
    void aUnitThatIsNotEnabledIsFound() throws Exception {
        Files.delete(agent.resolve(WANTS));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("not enabled"));
    }

    @Test
    void anEnablingLinkThatLeadsNowhereIsFound() throws Exception {
        Files.delete(agent.resolve(WANTS));
        link(agent, WANTS, "/etc/systemd/system/agent-of-old.service");
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("leads nowhere"));
    }

    @Test
    void aDefaultTargetThatLeadsNowhereIsFound() throws Exception {
        Files.delete(root.resolve("etc/systemd/system/sallyport.target"));
        assertThat(verify()).anySatisfy(found -> assertThat(found.path()).endsWith("default.target"));
    }

    @Test
    void aLinkThatLeadsToItselfEndsTheSearch() throws Exception {
        Files.delete(root.resolve("etc/systemd/system/default.target"));
        link(root, "etc/systemd/system/default.target", "default.target");
        assertThat(verify()).anySatisfy(found -> assertThat(found.path()).endsWith("default.target"));
    }

    @Test
    void aStartedFileThatIsMissingIsFound() throws Exception {
        Files.delete(agent.resolve("opt/sallyport/agent/bin/agent"));
        assertThat(verify()).singleElement().satisfies(found -> {
            assertThat(found.path()).isEqualTo("/opt/sallyport/agent/bin/agent");
            assertThat(found.text()).contains("not there");
        });
    }

    @Test
    void aStartedFileThatCannotBeExecutedIsFound() throws Exception {
        Files.setPosixFilePermissions(
                agent.resolve("opt/sallyport/agent/bin/agent"), PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("cannot be executed"));
    }

    @Test
    void aMissingInterpreterIsFound() throws Exception {
        program(agent, "opt/sallyport/agent/bin/agent", "#!/usr/bin/perl6\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.path()).isEqualTo("/usr/bin/perl6"));
    }

    @Test
    void anInterpreterThatIsOnNoPathIsFound() throws Exception {
        program(
                agent,
                "opt/sallyport/tools/demo/bin/demo",
                "#!/usr/bin/env node\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("'node'"));
    }

    @Test
    void aProgramForAnotherArchitectureIsFound() throws Exception {
        program(agent, "opt/sallyport/agent/bin/agent", elf(183, null));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("architecture"));
    }

    @Test
    void aMissingLoaderIsFound() throws Exception {
        program(agent, "opt/sallyport/agent/bin/agent", elf(62, "/lib/ld-musl-x86_64.so.1"));
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("ld-musl"));
    }

    @Test
    void identitiesAndCredentialsThatAreBakedInAreFound() throws Exception {
        text(root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        text(root, "etc/ssh/ssh_host_ed25519_key", "key");
        text(root, "home/user/.codex/auth.json", "{}");
        text(root, "root/.ssh/authorized_keys", "key");
        assertThat(verify())
                .extracting(Finding::path)
                .containsExactlyInAnyOrder(
                        "/etc/machine-id",
                        "/etc/ssh/ssh_host_ed25519_key",
                        "/home/user/.codex/auth.json",
                        "/root/.ssh/authorized_keys");
    }

    @Test
    void aMissingUserIsFound() throws Exception {
        text(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        assertThat(verify())
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("'user'"));
    }

    @Test
    void aLayerThatWasChangedTruncatedOrReplacedIsFound() throws Exception {
        Image image = image();
        Path file = image.layers().getLast().file();
        byte[] whole = Files.readAllBytes(file);

        byte[] changed = whole.clone();
        changed[changed.length - 1] ^= 1;
        Files.write(file, changed);
        assertThat(ImageVerifier.verify(image))
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("not what was built"));

        Files.write(file, java.util.Arrays.copyOf(whole, 700));
        assertThat(ImageVerifier.verify(image))
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("cut short"));

        Files.write(file, new byte[whole.length]);
        assertThat(ImageVerifier.verify(image))
                .singleElement()
                .satisfies(found -> assertThat(found.text()).contains("not an erofs"));
    }

    private List<Finding> verify() throws IOException, InterruptedException {
        return ImageVerifier.verify(image());
    }

    private Image image() throws IOException, InterruptedException {
        Path kernel = Files.write(folder.resolve("vmlinux"), elf(62, null));
        Path initramfs = Files.writeString(folder.resolve("initramfs"), "070701 and so on");
        return new Image(
                "0123456789abcdef",
                "cli",
                Instant.EPOCH,
                kernel,
                initramfs,
                List.of(layer("root-cli", root), layer("agent", agent)),
                List.of());
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

    /** The smallest 64-bit ELF program that names an architecture and, if any, a loader. */
    private static byte[] elf(int machine, @Nullable String loader) {
        ByteBuffer elf = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        elf.putShort(18, (short) machine);
        elf.putLong(32, 64);
        elf.putShort(54, (short) 56);
        elf.putShort(56, (short) (loader == null ? 0 : 1));
        if (loader != null) {
            byte[] name = (loader + "\0").getBytes(StandardCharsets.US_ASCII);
            elf.putInt(64, 3);
            elf.putLong(72, 128);
            elf.putLong(96, name.length);
            elf.put(128, name);
        }
        return elf.array();
    }
}
