package dev.sallyport.image.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FolderTreeTest {
    @TempDir
    private Path folder;

    @Test
    void linksAreNeverFollowedOut() throws Exception {
        Path outside = Programs.text(folder.resolve("outside/secret"), "secret");
        Path root = folder.resolve("root");
        Programs.text(root.resolve("etc/passwd"), "inside");
        Programs.link(root.resolve("file"), outside.toString());
        Programs.link(root.resolve("folder"), folder.resolve("outside").toString());
        Programs.link(root.resolve("up"), "../outside/secret");
        Programs.link(root.resolve("absolute"), "/etc/passwd");
        try (var tree = new Tree(List.of(FolderTree.open(root)))) {
            assertThat(tree.find("/file")).isEmpty();
            assertThat(tree.find("/folder/secret")).isEmpty();
            assertThat(tree.find("/up")).isEmpty();
            assertThat(tree.find("/absolute").orElseThrow().text(100)).isEqualTo("inside");
            assertThat(tree.findLink("/up").orElseThrow().target()).isEqualTo("../outside/secret");
        }
    }

    @Test
    void aFolderThatBecomesALinkIsNotFollowedEither() throws Exception {
        Path secret = Programs.text(folder.resolve("outside/secret"), "secret");
        Path root = folder.resolve("root");
        Path inside = Programs.text(root.resolve("a/secret"), "inside");
        try (var tree = FolderTree.open(root)) {
            FileTree.Node a = tree.lookup(tree.root(), "a").orElseThrow();
            FileTree.Node file = tree.lookup(a, "secret").orElseThrow();
            Files.delete(inside);
            Programs.link(inside, secret.toString());
            assertThatThrownBy(() -> tree.read(file, 0, 100)).isInstanceOf(IOException.class);
            Files.delete(inside);
            Files.delete(root.resolve("a"));
            Programs.link(root.resolve("a"), folder.resolve("outside").toString());
            assertThatThrownBy(() -> tree.read(file, 0, 100)).hasMessageContaining("was replaced");
            assertThatThrownBy(() -> tree.list(a)).hasMessageContaining("was replaced");
            assertThatThrownBy(() -> tree.lookup(a, "secret")).hasMessageContaining("was replaced");
        }
    }

    @Test
    void pipesAndDevicesAreNotOpened() throws Exception {
        Path root = Files.createDirectory(folder.resolve("root"));
        Programs.run(root, "mkfifo", "pipe");
        try (var tree = FolderTree.open(root)) {
            FileTree.Node pipe = tree.lookup(tree.root(), "pipe").orElseThrow();
            assertThat(pipe.kind()).isEqualTo(FileTree.Kind.OTHER);
            assertThatThrownBy(() -> tree.read(pipe, 0, 100)).hasMessageContaining("no content");
        }
    }

    @Test
    void namesThatAreNoneAreNotThere() throws Exception {
        Path root = folder.resolve("root");
        Programs.text(root.resolve("a"), "");
        try (var tree = FolderTree.open(root)) {
            for (String name : List.of("", ".", "..", "x", "a/b", "../root", "x\0", "n".repeat(300))) {
                assertThat(tree.lookup(tree.root(), name)).as(name).isEmpty();
            }
            assertThat(tree.lookup(tree.root(), "a")).isPresent();
        }
    }

    @Test
    void whatMayNotBeReadSaysWhoseItIs() throws Exception {
        assumeFalse(Programs.isRoot(), "root may read everything");
        Path root = folder.resolve("root");
        Files.setPosixFilePermissions(
                Programs.text(root.resolve("file"), "x"), PosixFilePermissions.fromString("---------"));
        try (var tree = FolderTree.open(root)) {
            FileTree.Node file = tree.lookup(tree.root(), "file").orElseThrow();
            assertThatThrownBy(() -> tree.read(file, 0, 1)).hasMessageContaining("has mode 0");
        }
    }

    @Test
    void otherFileSystemsAreNotPartOfIt() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "there is no /proc");
        try (var tree = FolderTree.open(Path.of("/"))) {
            FileTree.Node proc = tree.lookup(tree.root(), "proc").orElseThrow();
            assertThat(proc.kind()).isEqualTo(FileTree.Kind.OTHER);
            assertThatThrownBy(() -> tree.list(proc)).isInstanceOf(IOException.class);
        }
    }
}
