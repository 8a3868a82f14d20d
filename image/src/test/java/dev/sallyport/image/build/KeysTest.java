package dev.sallyport.image.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.recipe.KernelRecipe;
import dev.sallyport.image.recipe.LayerRecipe.Agent;
import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.Directory;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import dev.sallyport.image.recipe.LayerRecipe.Npm;
import dev.sallyport.image.recipe.LayerRecipe.User;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeysTest {
    private static final User USER = new User("user", 1000, "/home/user", List.of());
    private static final FileRecipe FILE = new FileRecipe("/etc/a", "0644", "a");

    @TempDir
    Path folder;

    @Test
    void everyInputOfADebianLayerCounts() {
        Set<String> keys = new HashSet<>();
        List<Debian> all = List.of(
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "other",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "trixie",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("less"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(new User("user", 1001, "/home/user", List.of())),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(new User("user", 1000, "/home/user", List.of("/x"))),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(new FileRecipe("/etc/a", "0600", "a")),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(new FileRecipe("/etc/a", "0644", "b")),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/c"),
                        List.of(),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of("a.service"),
                        List.of()),
                debian(
                        "root",
                        "bookworm",
                        List.of("git"),
                        List.of(USER),
                        List.of(FILE),
                        Map.of("/a", "/b"),
                        List.of(),
                        List.of("/a")));

        all.forEach(layer -> keys.add(Keys.debian(layer)));

        assertThat(keys).hasSize(all.size());
        assertThat(Keys.debian(all.getFirst()))
                .isEqualTo(Keys.debian(all.getFirst()))
                .matches("[0-9a-f]{64}");
    }

    @Test
    void everyInputOfAnNpmLayerCounts() {
        List<Npm> all = List.of(
                new Npm("a", Map.of("x", "1.0.0"), "/opt/a", false, Map.of(), List.of()),
                new Npm("b", Map.of("x", "1.0.0"), "/opt/a", false, Map.of(), List.of()),
                new Npm("a", Map.of("x", "1.0.1"), "/opt/a", false, Map.of(), List.of()),
                new Npm("a", Map.of("x", "1.0.0"), "/opt/b", false, Map.of(), List.of()),
                new Npm("a", Map.of("x", "1.0.0"), "/opt/a", true, Map.of(), List.of()),
                new Npm("a", Map.of("x", "1.0.0"), "/opt/a", false, Map.of("x", "bin/x"), List.of()),
                new Npm("a", Map.of("x", "1.0.0"), "/opt/a", false, Map.of(), List.of("share")));

        assertThat(all.stream().map(Keys::npm)).doesNotHaveDuplicates();
    }

    @Test
    void everyInputOfTheKernelCountsButItsArguments() {
        var recipe = new KernelRecipe("bookworm", List.of("linux"), List.of("erofs"), List.of("quiet"));

        assertThat(Keys.kernel(recipe))
                .isEqualTo(Keys.kernel(new KernelRecipe("bookworm", List.of("linux"), List.of("erofs"), List.of())))
                .isNotEqualTo(Keys.kernel(new KernelRecipe("trixie", List.of("linux"), List.of("erofs"), List.of())))
                .isNotEqualTo(
                        Keys.kernel(new KernelRecipe("bookworm", List.of("linux-rt"), List.of("erofs"), List.of())))
                .isNotEqualTo(Keys.kernel(new KernelRecipe("bookworm", List.of("linux"), List.of("ext4"), List.of())))
                // Not the same, told apart although the words are.
                .isNotEqualTo(
                        Keys.kernel(new KernelRecipe("bookworm", List.of("linux", "erofs"), List.of(), List.of())));
    }

    @Test
    void aFoldersNamesContentsModesAndLinksCountButNoTimes() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "1");
        var recipe = new Directory("tool-a", "x", "/opt/a");
        String before = Keys.directory(recipe, folder);

        Files.setLastModifiedTime(file, FileTime.fromMillis(0));
        assertThat(Keys.directory(recipe, folder)).isEqualTo(before);

        Files.writeString(file, "2");
        String content = Keys.directory(recipe, folder);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        String mode = Keys.directory(recipe, folder);
        Files.createSymbolicLink(folder.resolve("b"), Path.of("a"));
        String link = Keys.directory(recipe, folder);
        Files.delete(folder.resolve("b"));
        Files.createSymbolicLink(folder.resolve("b"), Path.of("c"));
        String target = Keys.directory(recipe, folder);
        Files.move(file, folder.resolve("d"));
        String name = Keys.directory(recipe, folder);

        assertThat(List.of(before, content, mode, link, target, name)).doesNotHaveDuplicates();
    }

    @Test
    void theAgentsJarsFlagsAndRuntimeCount() throws IOException {
        Path jar = Files.writeString(folder.resolve("a.jar"), "1");
        Agent agent = agent(List.of("-Xint"), List.of(FILE));
        String key = Keys.agent(agent, "runtime", List.of(jar));

        assertThat(Keys.agent(agent, "another", List.of(jar))).isNotEqualTo(key);
        assertThat(Keys.agent(agent(List.of("-Xcomp"), List.of(FILE)), "runtime", List.of(jar)))
                .isNotEqualTo(key);
        assertThat(Keys.agent(agent(List.of("-Xint"), List.of()), "runtime", List.of(jar)))
                .isNotEqualTo(key);
        Files.writeString(jar, "2");
        assertThat(Keys.agent(agent, "runtime", List.of(jar))).isNotEqualTo(key);
    }

    @Test
    void aLayersUuidFollowsFromItsKey() {
        String key = "0123456789abcdef0123456789abcdef" + "0".repeat(32);

        assertThat(Erofs.uuid(key)).hasToString("01234567-89ab-8def-8123-456789abcdef");
        assertThat(Erofs.uuid(key).version()).isEqualTo(8);
        assertThat(Erofs.uuid(key).variant()).isEqualTo(2);
    }

    private static Agent agent(List<String> flags, List<FileRecipe> files) {
        return new Agent("agent", "/opt/a", "x", "Main", List.of("java.base"), flags, files, Map.of());
    }

    private static Debian debian(
            String name,
            String suite,
            List<String> packages,
            List<User> users,
            List<FileRecipe> files,
            Map<String, String> links,
            List<String> masked,
            List<String> removed) {
        return new Debian(name, suite, packages, users, files, links, masked, removed);
    }
}
