package dev.sallyport.image.verify;

import dev.sallyport.image.Digests;
import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.image.tree.ErofsTree;
import dev.sallyport.image.tree.FileTree;
import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Proves, without booting and without mounting, that an image's machines can come up with their agent: its layers are whole, the
 * agent's unit is there and reached from the default target, what it starts can be executed, the tools' commands too, the users
 * exist, and nothing that must differ between machines, or be secret, is baked in.
 */
public final class ImageVerifier {
    private static final String UNIT = "sallyport-agent.service";
    private static final String DEFAULT_TARGET = "/etc/systemd/system/default.target";
    private static final int MAX_TEXT = 256 * 1024;
    private static final int X86_64 = 62;
    private static final String REBUILD = "Build the image again: './sallyport image build'.";

    private final List<Finding> findings = new ArrayList<>();
    private final Tree tree;

    private ImageVerifier(Tree tree) {
        this.tree = tree;
    }

    /** Everything that is wrong with {@code image}; empty when it is sound. */
    public static List<Finding> verify(Image image) {
        List<Finding> findings = new ArrayList<>(damage(image));
        if (!findings.isEmpty()) {
            return List.copyOf(findings); // What a damaged layer holds proves nothing.
        }
        List<FileTree> open = new ArrayList<>();
        try {
            for (Layer layer : image.layers()) {
                open.add(ErofsTree.open(layer.file()));
            }
            var verifier = new ImageVerifier(new Tree(open));
            verifier.content(VmType.ofWire(image.recipe()));
            return List.copyOf(verifier.findings);
        } catch (IOException e) {
            return List.of(Finding.error(
                    CauseCode.IMAGE_UNSOUND, "/", "The layers cannot be read: " + e.getMessage() + ".", REBUILD));
        } finally {
            open.forEach(ImageVerifier::close);
        }
    }

    private static List<Finding> damage(Image image) {
        List<Finding> findings = new ArrayList<>();
        for (Layer layer : image.layers()) {
            try (ErofsTree content = ErofsTree.open(layer.file())) {
                if (!content.uuid().equals(layer.uuid())) {
                    findings.add(Finding.error(
                            CauseCode.IMAGE_UNSOUND,
                            layer.file().toString(),
                            "Layer " + layer.name() + " is another file system than it says.",
                            REBUILD));
                } else if (!Digests.of(layer.file()).equals(layer.digest())) {
                    findings.add(Finding.error(
                            CauseCode.IMAGE_UNSOUND,
                            layer.file().toString(),
                            "Layer " + layer.name() + " is not what was built.",
                            REBUILD));
                }
            } catch (IOException e) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND,
                        layer.file().toString(),
                        "Layer " + layer.name() + " cannot be read: " + e.getMessage() + ".",
                        REBUILD));
            }
        }
        bootable(image.kernel(), new byte[] {0x7f, 'E', 'L', 'F'}, "kernel", findings);
        bootable(image.initramfs(), "070701".getBytes(StandardCharsets.US_ASCII), "initramfs", findings);
        return findings;
    }

    private static void bootable(Path file, byte[] magic, String what, List<Finding> findings) {
        try (var in = Files.newInputStream(file)) {
            if (!java.util.Arrays.equals(in.readNBytes(magic.length), magic)) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND, file.toString(), "The " + what + " is of no known form.", REBUILD));
            }
        } catch (IOException e) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND, file.toString(), "The " + what + " cannot be read.", REBUILD));
        }
    }

    private void content(VmType type) throws IOException {
        unit();
        tools();
        user("user");
        if (type == VmType.BROWSER) {
            user("desktop");
            for (String program : List.of("/usr/bin/Xvnc", "/usr/bin/openbox", "/usr/bin/chromium")) {
                executable(program, "The desktop");
            }
        }
        if (tree.find("/etc/ssl/certs/ca-certificates.crt").isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    "/etc/ssl/certs/ca-certificates.crt",
                    "There are no trusted authorities.",
                    "Add ca-certificates to the root's packages."));
        }
        secrets();
    }

    private void unit() throws IOException {
        Optional<Entry> file =
                tree.find("/etc/systemd/system/" + UNIT).or(() -> quietly("/usr/lib/systemd/system/" + UNIT));
        if (file.isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    "/etc/systemd/system/" + UNIT,
                    "The agent's unit is missing.",
                    "Add the agent layer to the recipe."));
            return;
        }
        Optional<Entry> target = tree.find(DEFAULT_TARGET).or(() -> quietly("/usr/lib/systemd/system/default.target"));
        if (target.isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    DEFAULT_TARGET,
                    "The default target is missing or its link leads nowhere.",
                    "Point it at sallyport.target."));
            return;
        }
        String name = target.get().path().substring(target.get().path().lastIndexOf('/') + 1);
        String wants = "/etc/systemd/system/" + name + ".wants/" + UNIT;
        if (tree.findLink(wants).isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    wants,
                    "The agent's unit is not enabled: " + name + " does not want it.",
                    "Add the link to the agent layer."));
        } else if (tree.find(wants).isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    wants,
                    "The link that enables the agent's unit leads nowhere.",
                    "Point it at the unit's file."));
        }
        execStart(file.get());
    }

    private void execStart(Entry unit) throws IOException {
        List<String> starts = unit.text(MAX_TEXT)
                .lines()
                .filter(line -> line.startsWith("ExecStart="))
                .map(line -> line.substring("ExecStart=".length()).strip())
                .filter(command -> !command.isEmpty())
                .toList();
        if (starts.isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    unit.path(),
                    "The agent's unit starts nothing: it has no ExecStart.",
                    "Write one."));
        }
        for (String command : starts) {
            String program = command.split("\\s+", 2)[0].replaceFirst("^[-@:+!]+", "");
            executable(program, "The agent's unit");
        }
    }

    private void tools() throws IOException {
        for (String tool : tree.names("/opt/sallyport/tools")) {
            List<String> commands = tree.names("/opt/sallyport/tools/" + tool + "/bin");
            if (commands.isEmpty()) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND,
                        "/opt/sallyport/tools/" + tool + "/bin",
                        "The tool " + tool + " has no command.",
                        REBUILD));
            }
            for (String command : commands) {
                executable("/opt/sallyport/tools/" + tool + "/bin/" + command, "The tool " + tool);
            }
        }
    }

    /** The file is there, may be executed, and so is what interprets it, down the chain. */
    private void executable(String path, String whose) throws IOException {
        Optional<Entry> found = tree.find(path);
        if (found.isEmpty()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND, path, whose + " needs this file, and it is not there.", REBUILD));
            return;
        }
        Entry file = found.get();
        if (file.kind() != Kind.FILE || !file.node().executable()) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    path,
                    whose + " needs this file, and it cannot be executed.",
                    "Set its mode to 0755."));
            return;
        }
        byte[] head = file.read(4096);
        if (head.length > 2 && head[0] == '#' && head[1] == '!') {
            interpreter(
                    path,
                    new String(head, StandardCharsets.UTF_8)
                            .lines()
                            .findFirst()
                            .orElse("")
                            .substring(2)
                            .strip(),
                    whose);
        } else if (head.length > 64 && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F') {
            elf(path, head, whose);
        }
    }

    private void interpreter(String path, String line, String whose) throws IOException {
        String[] words = line.split("\\s+", 3);
        if (!words[0].endsWith("/env") || words.length < 2) {
            executable(words[0], whose + " (" + path + ")");
            return;
        }
        for (String folder : List.of("/opt/sallyport/node/bin", "/usr/local/bin", "/usr/bin", "/bin")) {
            if (tree.find(folder + "/" + words[1]).isPresent()) {
                executable(folder + "/" + words[1], whose + " (" + path + ")");
                return;
            }
        }
        findings.add(Finding.error(
                CauseCode.IMAGE_UNSOUND,
                path,
                whose + " is a script for '" + words[1] + "', which is on no path.",
                "Add the layer that holds it."));
    }

    /** Architecture and loader of an ELF program (System V ABI, chapters 4 and 5). */
    private void elf(String path, byte[] head, String whose) throws IOException {
        ByteBuffer elf = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        int machine = Short.toUnsignedInt(elf.getShort(18));
        if (head[4] != 2 || machine != X86_64) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    path,
                    whose + " needs this program, and it is for another architecture (ELF machine " + machine + ").",
                    "Install the x86-64 one."));
            return;
        }
        long headers = elf.getLong(32);
        int entrySize = Short.toUnsignedInt(elf.getShort(54));
        int count = Short.toUnsignedInt(elf.getShort(56));
        for (int i = 0; i < count; i++) {
            long at = headers + (long) i * entrySize;
            if (at + 56 > head.length) {
                return;
            }
            if (elf.getInt((int) at) == 3) {
                long from = elf.getLong((int) at + 8);
                long length = elf.getLong((int) at + 32);
                if (from >= 0 && length > 1 && length < 4096 && from + length <= head.length) {
                    String loader = new String(head, (int) from, (int) length - 1, StandardCharsets.UTF_8);
                    if (tree.find(loader).isEmpty()) {
                        findings.add(Finding.error(
                                CauseCode.IMAGE_UNSOUND,
                                path,
                                whose + " needs the loader " + loader + ", and it is not there.",
                                "Add the package that holds it."));
                    }
                }
            }
        }
    }

    private void user(String name) throws IOException {
        Optional<Entry> passwd = tree.find("/etc/passwd");
        if (passwd.isEmpty() || passwd.get().text(MAX_TEXT).lines().noneMatch(line -> line.startsWith(name + ":"))) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    "/etc/passwd",
                    "The user '" + name + "' is missing.",
                    "Add it to the root's recipe."));
        }
    }

    private void secrets() throws IOException {
        Optional<Entry> machineId = tree.find("/etc/machine-id");
        if (machineId.isPresent() && machineId.get().text(64).strip().matches("[0-9a-f]{32}")) {
            findings.add(Finding.error(
                    CauseCode.IMAGE_UNSOUND,
                    "/etc/machine-id",
                    "All machines would have the same identity.",
                    "Empty the file in the recipe."));
        }
        for (String path : List.of(
                "/var/lib/systemd/random-seed",
                "/home/user/.codex/auth.json",
                "/home/user/.claude/.credentials.json")) {
            if (tree.findLink(path).isPresent()) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND, path, "This must not be in an image.", "Remove it in the recipe."));
            }
        }
        for (String home : List.of("/root", "/home/user", "/home/desktop")) {
            for (String name : tree.names(home + "/.ssh")) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND,
                        home + "/.ssh/" + name,
                        "This must not be in an image.",
                        "Remove it in the recipe."));
            }
        }
        for (String name : tree.names("/etc/ssh")) {
            if (name.matches("ssh_host_.*_key")) {
                findings.add(Finding.error(
                        CauseCode.IMAGE_UNSOUND,
                        "/etc/ssh/" + name,
                        "All machines would have the same host key.",
                        "Remove it in the recipe."));
            }
        }
    }

    private Optional<Entry> quietly(String path) {
        try {
            return tree.find(path);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("the layers cannot be read", e);
        }
    }

    private static void close(FileTree image) {
        try {
            image.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("a layer cannot be closed", e);
        }
    }
}
