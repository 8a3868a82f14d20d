package dev.sallyport.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HomeFolderTest {
    private static final byte[] CONTENT = "content".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    private Path home;
    private Path outside;
    private HomeFolder homeFolder;

    @BeforeEach
    void makeHome() throws IOException {
        home = Files.createDirectory(folder.resolve("home"));
        outside = Files.createDirectory(folder.resolve("outside"));
        homeFolder = new HomeFolder(home, Optional.empty());
    }

    @Test
    void aFileIsWrittenWithItsModeAndItsFoldersAreMade() throws Exception {
        homeFolder.write(HomePath.of(".config/tool/auth.json"), CONTENT, 0640);

        Path file = home.resolve(".config/tool/auth.json");
        assertThat(file).hasContent("content");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-r-----");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                .isEqualTo("rwx------");
        try (var list = Files.list(file.getParent())) {
            assertThat(list).as("no temporary file is left").containsExactly(file);
        }
        HomeFolder.Found found =
                homeFolder.read(HomePath.of(".config/tool/auth.json"), 100).orElseThrow();
        assertThat(found.content()).isEqualTo(CONTENT);
        assertThat(found.mode()).isEqualTo(0640);
        assertThat(found.toString()).doesNotContain("content,").contains("***");
    }

    @Test
    void aFileIsReplacedNotRewritten() throws Exception {
        Files.writeString(home.resolve("auth.json"), "old");
        Path old = Files.createLink(folder.resolve("kept"), home.resolve("auth.json"));

        homeFolder.write(HomePath.of("auth.json"), CONTENT, 0600);

        assertThat(home.resolve("auth.json")).hasContent("content");
        assertThat(old).hasContent("old");
    }

    @Test
    void aLinkInTheFilesPlaceIsReplaced() throws Exception {
        Path target = Files.writeString(outside.resolve("target"), "untouched");
        Files.createSymbolicLink(home.resolve("auth.json"), target);

        homeFolder.write(HomePath.of("auth.json"), CONTENT, 0600);

        assertThat(target).hasContent("untouched");
        assertThat(home.resolve("auth.json")).isRegularFile().hasContent("content");
        assertThat(Files.isSymbolicLink(home.resolve("auth.json"))).isFalse();
    }

    @Test
    void aLinkInAFoldersPlaceIsNotFollowed() throws Exception {
        Files.createSymbolicLink(home.resolve(".config"), outside);
        Files.writeString(outside.resolve("auth.json"), "untouched");

        assertThatThrownBy(() -> homeFolder.write(HomePath.of(".config/auth.json"), CONTENT, 0600))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("symbolic link");
        assertThatThrownBy(() -> homeFolder.read(HomePath.of(".config/auth.json"), 100))
                .isInstanceOf(IOException.class);
        assertThat(outside.resolve("auth.json")).hasContent("untouched");
    }

    @Test
    void aHomeThatIsALinkIsNotFollowed() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), outside);
        assertThatThrownBy(() ->
                        new HomeFolder(link, Optional.empty()).write(HomePath.of("auth.json"), CONTENT, 0600))
                .isInstanceOf(IOException.class);
        assertThat(outside).isEmptyDirectory();
    }

    @Test
    void onlyPlainFilesOfABoundedSizeAreRead() throws Exception {
        new Processes().makeFifo(home.resolve("fifo"), 0600);
        Files.createDirectory(home.resolve("folder"));
        Files.createSymbolicLink(home.resolve("link"), Path.of("/etc/passwd"));
        Files.write(home.resolve("large"), new byte[1001]);

        for (String name : new String[] {"fifo", "folder", "link", "large"}) {
            assertThatThrownBy(() -> homeFolder.read(HomePath.of(name), 1000))
                    .as(name)
                    .isInstanceOf(IOException.class);
        }
        assertThat(homeFolder.read(HomePath.of("none"), 1000)).isEmpty();
        assertThat(homeFolder.read(HomePath.of("no/where"), 1000)).isEmpty();
    }

    @Test
    void whatIsThereIsSeenEvenALinkToNowhere() throws Exception {
        Files.createSymbolicLink(home.resolve("dangling"), Path.of("/no/where"));
        assertThat(homeFolder.exists(HomePath.of("dangling"))).isTrue();
        assertThat(homeFolder.exists(HomePath.of("none"))).isFalse();
        assertThat(homeFolder.exists(HomePath.of("no/where"))).isFalse();
    }

    @Test
    void aFileThatCannotTakeItsPlaceLeavesNothing() throws Exception {
        Files.createDirectory(home.resolve("auth.json"));
        assertThatThrownBy(() -> homeFolder.write(HomePath.of("auth.json"), CONTENT, 0600))
                .isInstanceOf(IOException.class);
        try (var list = Files.list(home)) {
            assertThat(list).containsExactly(home.resolve("auth.json"));
        }
    }

    @Test
    void theOwnersFilesAreItsOwnAndNobodyElsesAreRead() throws Exception {
        assumeThat(System.getProperty("user.name")).as("only root can give files away").isEqualTo("root");
        var nobody = new Account("nobody", 65534, 65534);
        Files.setAttribute(home, "unix:uid", nobody.uid());
        var owned = new HomeFolder(home, Optional.of(nobody));

        owned.write(HomePath.of("a/b"), CONTENT, 0600);

        for (Path path : new Path[] {home.resolve("a"), home.resolve("a/b")}) {
            Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,gid");
            assertThat(attributes).containsEntry("uid", 65534).containsEntry("gid", 65534);
        }
        assertThat(owned.read(HomePath.of("a/b"), 100)).isPresent();
        Files.writeString(home.resolve("roots"), "x");
        assertThatThrownBy(() -> owned.read(HomePath.of("roots"), 100))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not nobody's");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", "a\u0000b", "a\nb",
                "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"
            })
    void hostilePathsAreRefused(String path) {
        assertThatThrownBy(() -> HomePath.of(path)).isInstanceOf(FailureException.class);
    }

    @Test
    void longNamesAreRefused() {
        assertThatThrownBy(() -> HomePath.of("a".repeat(256))).isInstanceOf(FailureException.class);
        assertThat(HomePath.of("a".repeat(255)).name()).hasSize(255);
    }
}
