package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The merged tree on layers that the real mkfs.erofs(1) made. */
final class TreeTest {
    @TempDir
    private Path folder;

    private final List<Tree> open = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (Tree tree : open) {
            tree.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-x-1",
                "-Enoinline_data",
                "-Eforce-inode-compact",
                "-Eforce-inode-extended",
                "--chunksize=4096"
            })
    void everyKindOfErofsIsTheSameTree(String options) throws Exception {
        Path root = Programs.sample(folder.resolve("root"));
        // The longest names that Linux has are too long for some versions of mkfs.erofs.
        Files.move(root.resolve("etc/" + "n".repeat(255)), root.resolve("etc/" + "n".repeat(200)));
        Path image = folder.resolve("image");
        Programs.run(
                folder,
                "sh",
                "-c",
                "mkfs.erofs --quiet " + options + " \"$0\" \"$1\"",
                image.toString(),
                root.toString());
        try (var tree = ErofsTree.open(image)) {
            assertThat(Programs.lines(tree)).isEqualTo(Programs.lines(FolderTree.open(root)));
            assertThat(tree.compressed()).isFalse();
        }
    }

    @Test
    void aCompressedFileSaysWhatToDo() throws Exception {
        Path root = folder.resolve("root");
        Programs.text(root.resolve("big"), "the same again and again\n".repeat(10_000));
        Path image = folder.resolve("image");
        Programs.run(folder, "mkfs.erofs", "--quiet", "-zlz4", image.toString(), root.toString());
        try (var tree = ErofsTree.open(image)) {
            assertThat(tree.compressed()).isTrue();
            FileTree.Node big = tree.lookup(tree.root(), "big").orElseThrow();
            assertThatThrownBy(() -> tree.read(big, 0, 100)).hasMessageContaining("without compression");
        }
        assertThatThrownBy(() -> TreeSource.open(image)).hasMessageContaining("make it without '-z'");
    }

    @Test
    void foldersAreMergedAndTheUppermostFileCounts() throws Exception {
        Tree tree = layers(
                List.of("etc/a", "etc/b", "only/below"), List.of("etc/b", "etc/c"), List.of("etc/d", "only/above"));
        assertThat(tree.names("/etc")).containsExactly("a", "b", "c", "d");
        assertThat(tree.names("/only")).containsExactly("above", "below");
        assertThat(text(tree, "/etc/b")).isEqualTo("1 etc/b");
        assertThat(text(tree, "/etc/a")).isEqualTo("0 etc/a");
        assertThat(tree.names("/nowhere")).isEmpty();
        assertThat(tree.names("/etc/a")).isEmpty();
    }

    @Test
    void aFileAboveAFolderHidesIt() throws Exception {
        Tree tree = layers(List.of("x/below"), List.of("x"), List.of("y"));
        assertThat(tree.find("/x/below")).isEmpty();
        assertThat(text(tree, "/x")).isEqualTo("1 x");

        // The folder on top is merged with nothing: a file lies between it and the one below.
        Tree between = layers(List.of("x/below"), List.of("x"), List.of("x/above"));
        assertThat(between.names("/x")).containsExactly("above");
        assertThat(between.find("/x/below")).isEmpty();
    }

    @Test
    void aWhiteoutHidesWhatIsBelow() throws Exception {
        assumeTrue(Programs.isRoot(), "only root can make the device that a whiteout is");
        Path below = root(0, List.of("etc/gone", "etc/stays", "folder/in/it", "again/old"));
        Path above = root(1, List.of("etc/new"));
        for (String name : List.of("etc/gone", "folder", "again")) {
            Programs.run(above, "mknod", name, "c", "0", "0");
        }
        Programs.run(above, "mknod", "etc/null", "c", "1", "3");
        Path top = root(2, List.of("again/new"));
        Tree tree = tree(below, above, top);
        assertThat(tree.names("/etc")).containsExactly("new", "null", "stays");
        assertThat(tree.find("/etc/gone")).isEmpty();
        assertThat(tree.find("/folder")).isEmpty();
        assertThat(tree.find("/folder/in/it")).isEmpty();
        assertThat(tree.names("/again")).containsExactly("new");
        assertThat(tree.find("/again/old")).isEmpty();
        assertThat(tree.names("/")).containsExactly("again", "etc");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user", "trusted"})
    void anOpaqueFolderHidesWhatIsBelow(String prefix) throws Exception {
        Path below = root(0, List.of("etc/old", "other/old"));
        Path above = root(1, List.of("etc/new", "other/new"));
        setOpaque(above.resolve("etc"), "y");
        setOpaque(above.resolve("other"), "x");
        Path layer = erofs(above);
        if (prefix.equals("trusted")) {
            trusted(layer);
        }
        Tree tree = remembered(new Tree(List.of(ErofsTree.open(erofs(below)), ErofsTree.open(layer))));
        assertThat(tree.names("/etc")).containsExactly("new");
        assertThat(tree.find("/etc/old")).isEmpty();
        assertThat(tree.names("/other")).containsExactly("new", "old");
    }

    @Test
    void namesThatAreLookedUpAndNamesThatAreListedAgree() throws Exception {
        Path below = root(0, List.of("etc/old", "other/old", "x/below"));
        Path above = root(1, List.of("etc/new", "other/new", "x"));
        setOpaque(above.resolve("etc"), "y");
        Tree looked = tree(below, above);
        Tree listed = tree(below, above);
        assertThat(listed.walk("/", 1000, entry -> true).whole()).isTrue();
        for (String path : List.of("/etc/old", "/etc/new", "/other/old", "/other/new", "/x", "/x/below", "/none")) {
            assertThat(looked.find(path).map(Tree.Entry::kind))
                    .as(path)
                    .isEqualTo(listed.find(path).map(Tree.Entry::kind));
        }
    }

    @Test
    void linksAreFollowedWithinTheTreeOnly() throws Exception {
        Path root = root(0, List.of("etc/passwd", "usr/lib/file"));
        Programs.link(root.resolve("lib"), "usr/lib");
        Programs.link(root.resolve("etc/up"), "../../../../etc/passwd");
        Programs.link(root.resolve("usr/absolute"), "/etc/passwd");
        Programs.link(root.resolve("etc/outside"), "/proc/self/environ");
        Programs.link(root.resolve("etc/through"), "passwd/x");
        Tree tree = tree(root);
        assertThat(tree.find("/lib/file").orElseThrow().path()).isEqualTo("/usr/lib/file");
        // The parent of the root is the root, in a machine as here.
        assertThat(tree.find("/etc/up").orElseThrow().path()).isEqualTo("/etc/passwd");
        assertThat(tree.find("/../../etc/passwd").orElseThrow().path()).isEqualTo("/etc/passwd");
        assertThat(tree.find("/usr/absolute").orElseThrow().path()).isEqualTo("/etc/passwd");
        assertThat(tree.find("/lib/../absolute").orElseThrow().path()).isEqualTo("/etc/passwd");
        assertThat(tree.find("/etc/outside")).isEmpty();
        assertThat(tree.find("/etc/through")).isEmpty();
        assertThat(tree.find("/etc/passwd/..")).isEmpty();
        assertThat(tree.findLink("/etc/outside").orElseThrow().target()).isEqualTo("/proc/self/environ");
        assertThat(tree.findLink("/lib").orElseThrow().kind()).isEqualTo(FileTree.Kind.LINK);
    }

    @Test
    void loopsAndLongChainsAreNotThere() throws Exception {
        Path root = root(0, List.of("file"));
        Programs.link(root.resolve("self"), "self");
        Programs.link(root.resolve("a"), "b");
        Programs.link(root.resolve("b"), "a/x");
        Programs.link(root.resolve("grows"), "grows/" + "y/".repeat(1000));
        Programs.link(root.resolve("c0"), "file");
        for (int i = 1; i <= 41; i++) {
            Programs.link(root.resolve("c" + i), "c" + (i - 1));
        }
        Tree tree = tree(root);
        for (String path : List.of("/self", "/self/x", "/a", "/b", "/grows", "/grows/z")) {
            assertThat(tree.find(path)).as(path).isEmpty();
        }
        assertThat(tree.find("/c39")).isPresent();
        assertThat(tree.find("/c40")).isEmpty();
        assertThat(tree.find("/" + "no/".repeat(100_000))).isEmpty();
        assertThat(tree.find("/" + "../".repeat(4000) + "file")).isPresent();
    }

    @Test
    void aWalkSaysWhatItLeftOut() throws Exception {
        Tree tree = layers(List.of("a/1", "a/2", "b/3"));
        List<String> seen = new ArrayList<>();
        Tree.Walk whole = tree.walk("/", 100, entry -> seen.add(entry.path()));
        assertThat(seen).containsExactly("/", "/a", "/a/1", "/a/2", "/b", "/b/3");
        assertThat(whole).isEqualTo(new Tree.Walk(6, false, List.of()));
        assertThat(tree.walk("/", 6, entry -> true).whole()).isTrue();

        Tree.Walk cut = tree.walk("/", 5, entry -> true);
        assertThat(cut.cut()).isTrue();
        assertThat(cut.entries()).isEqualTo(5);
        assertThat(tree.walk("/", 100, entry -> !entry.path().equals("/a")).entries())
                .isEqualTo(4);
        assertThat(tree.walk("/a/1", 100, entry -> true).entries()).isEqualTo(1);
        assertThat(tree.walk("/nowhere", 100, entry -> true)).isEqualTo(new Tree.Walk(0, false, List.of()));
    }

    @Test
    void aWalkDoesNotGoDeeperThanIsSensible() throws Exception {
        Path root = folder.resolve("deep");
        Files.createDirectories(root.resolve("d/".repeat(400)));
        Tree.Walk walk = tree(root).walk("/", 10_000, entry -> true);
        assertThat(walk.cut()).isTrue();
        assertThat(walk.entries()).isBetween(200, 400);
    }

    @Test
    void whatIsRememberedIsBounded() {
        var recent = new Recent<Integer, String>(10);
        for (int i = 0; i < 100; i++) {
            recent.put(i, "x", 3);
        }
        assertThat(recent.get(96)).isNull();
        assertThat(recent.get(97)).isEqualTo("x");
        recent.put(98, "y", 4);
        assertThat(recent.get(99)).isEqualTo("x");
        recent.put(1, "z", 6);
        assertThat(recent.get(98)).isNull();
        assertThat(recent.get(99)).isEqualTo("x");
        recent.put(2, "too heavy", 11);
        assertThat(recent.get(2)).isNull();
        assertThat(recent.get(1)).isEqualTo("z");
    }

    private static void setOpaque(Path path, String value) throws IOException {
        UserDefinedFileAttributeView view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
        assumeTrue(view != null, "the folder for temporary files keeps no attributes");
        view.write("overlay.opaque", StandardCharsets.US_ASCII.encode(value));
    }

    /** Makes every attribute of the user's one that is trusted: its prefix is a number, three bytes before the name. */
    private static void trusted(Path layer) throws IOException {
        byte[] bytes = Files.readAllBytes(layer);
        byte[] name = "overlay.opaque".getBytes(StandardCharsets.US_ASCII);
        int changed = 0;
        for (int i = 3; i + name.length < bytes.length; i++) {
            if (ByteBuffer.wrap(bytes, i, name.length).equals(ByteBuffer.wrap(name)) && bytes[i - 3] == 1) {
                bytes[i - 3] = 4;
                changed++;
            }
        }
        assertThat(changed).isPositive();
        Files.write(layer, bytes);
    }

    @SafeVarargs
    private Tree layers(List<String>... layers) throws Exception {
        List<Path> roots = new ArrayList<>();
        for (int i = 0; i < layers.length; i++) {
            Path base = Files.createTempDirectory(folder, "layers");
            roots.add(root(base, i, layers[i]));
        }
        return tree(roots.toArray(Path[]::new));
    }

    private Path root(int number, List<String> files) throws IOException {
        return root(folder, number, files);
    }

    private static Path root(Path base, int number, List<String> files) throws IOException {
        Path root = base.resolve("root" + number);
        for (String file : files) {
            Programs.text(root.resolve(file), number + " " + file);
        }
        return root;
    }

    private Tree tree(Path... roots) throws Exception {
        List<FileTree> layers = new ArrayList<>();
        for (Path root : roots) {
            layers.add(ErofsTree.open(erofs(root)));
        }
        return remembered(new Tree(layers));
    }

    private Tree remembered(Tree tree) {
        open.add(tree);
        return tree;
    }

    private Path erofs(Path root) throws Exception {
        Path image = Files.createTempFile(folder, "layer", ".erofs");
        Programs.run(folder, "mkfs.erofs", "--quiet", "-x1", image.toString(), root.toString());
        return image;
    }

    private static String text(Tree tree, String path) throws IOException {
        Optional<Tree.Entry> entry = tree.find(path);
        return entry.isEmpty() ? "" : entry.get().text(100);
    }
}
