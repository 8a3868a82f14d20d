package dev.sallyport.image.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.Npm;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RecipeParserTest {
    private final Map<String, String> files = new HashMap<>(Map.of("recipes/cli.yaml", "layers: [one]"));
    private final RecipeParser parser = new RecipeParser(path -> Optional.ofNullable(files.get(path)));

    @Test
    void theProductsOwnRecipesAreSound() {
        RecipeParser own = RecipeParser.ofTheProduct();

        assertThat(own.kernel().modules()).contains("virtio_blk", "erofs", "overlay");
        for (String name : List.of("cli", "browser")) {
            assertThat(own.image(name).layers().stream().map(LayerRecipe::name))
                    .startsWith("root-" + name)
                    .contains("node", "tool-codex", "tool-demo")
                    .endsWith("agent");
        }
    }

    @Test
    void theProductsRecipesNameNoMirror() {
        for (LayerRecipe layer : RecipeParser.ofTheProduct().image("browser").layers()) {
            assertThat(layer.toString()).doesNotContain("://").doesNotContain("registry.");
        }
    }

    @Test
    void aDebianLayerIsMergedWithWhatItNames() {
        files.put(
                "layers/one.yaml",
                "{kind: debian, with: [base], packages: [git], users: [{name: a, uid: 1001, home: /home/a}]}");
        files.put(
                "layers/parts/base.yaml",
                "{suite: bookworm, packages: [systemd], users: [{name: user, uid: 1000, home: /home/user}], links: {/a: /b}}");

        Debian layer = (Debian) parser.image("cli").layers().getFirst();

        assertThat(layer.name()).isEqualTo("one");
        assertThat(layer.suite()).isEqualTo("bookworm");
        assertThat(layer.packages()).containsExactly("systemd", "git");
        assertThat(layer.users()).extracting(LayerRecipe.User::name).containsExactly("user", "a");
        assertThat(layer.links()).containsEntry("/a", "/b");
    }

    @Test
    void aFilesTextMayStandBesideTheRecipe() {
        files.put("layers/one.yaml", "{kind: debian, with: [base], packages: [git]}");
        files.put("layers/parts/base.yaml", "{suite: bookworm, files: [{path: /a, mode: '0755', from: a.sh}]}");
        files.put("layers/parts/a.sh", "#!/bin/sh\n");

        Debian layer = (Debian) parser.image("cli").layers().getFirst();

        assertThat(layer.files()).containsExactly(new LayerRecipe.FileRecipe("/a", "0755", "#!/bin/sh\n"));
    }

    @Test
    void anNpmLayerRunsNoScriptsUnlessTold() {
        files.put("layers/one.yaml", "{kind: npm, to: /opt/x, packages: {'@scope/tool': 1.2.3}}");

        assertThat(((Npm) parser.image("cli").layers().getFirst()).scripts()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "kind: cake | kind must be debian, npm, directory or agent, and is 'cake'",
                "{kind: npm, to: /opt/x, packages: {tool: ^1.2.3}} | the version of tool must be exact (1.2.3), and is '^1.2.3'",
                "{kind: npm, to: /opt/x, packages: {tool: latest}} | must be exact",
                "{kind: npm, to: /opt/x} | packages must name at least one",
                "{kind: npm, to: opt, packages: {tool: 1.2.3}} | to: 'opt' is not what can stand here",
                "{kind: npm, to: /opt/x, packages: {tool: 1.2.3}, version: 3} | version is not known here; known are commands, packages",
                "{kind: directory, from: ../../etc, to: /opt/x} | from: '../../etc' is not what can stand here",
                "{kind: directory, to: /opt/x} | from is missing",
                "{kind: debian, packages: [git]} | suite is missing",
                "{kind: debian, suite: bookworm, packages: [git, git]} | packages: 'git' is there twice",
                "{kind: debian, suite: bookworm, packages: ['git; reboot']} | 'git; reboot' is not what can stand here",
                "{kind: debian, suite: bookworm, removed: ['/a $(reboot)']} | removed: '/a $(reboot)' is not what can stand here",
                "{kind: debian, suite: bookworm, masked: [getty]} | masked: 'getty' is not what can stand here",
                "{kind: debian, suite: bookworm, users: [{name: a, uid: 0, home: /a}]} | users.uid of a must be 1000 to 59999",
                "{kind: debian, suite: bookworm, files: [{path: /a, mode: 777, content: b}]} | the mode of /a must be like 0644",
                "{kind: debian, suite: bookworm, files: [{path: /a}]} | files: /a has no content",
                "{kind: debian, suite: bookworm, files: [{path: /a, from: ../a.sh}]} | files.from: '../a.sh' is not what can stand here",
                "{kind: debian, suite: bookworm, files: [{path: /a, from: a.sh, content: b}]} | files.from: 'a.sh' is not what",
                "{kind: debian, suite: bookworm, files: [{path: /a, from: a.sh}]} | layers/a.sh: there is no such file",
                "{kind: debian, with: [nowhere]} | layers/parts/nowhere.yaml: there is no such file",
                "{kind: debian, suite: bookworm, suite: trixie} | Duplicate field 'suite'",
                "'[unclosed' | it must hold keys and values",
            })
    void whatIsWrongIsSaid(String layer, String problem) {
        files.put("layers/one.yaml", layer);

        assertThatThrownBy(() -> parser.image("cli")).isInstanceOfSatisfying(FailureException.class, failure -> {
            assertThat(failure.reason().code()).isEqualTo(CauseCode.IMAGE_BUILD_FAILED);
            assertThat(failure.reason().evidence())
                    .anySatisfy(line -> assertThat(line).contains(problem));
        });
    }

    @Test
    void allThatIsWrongIsSaidAtOnce() {
        files.put("layers/one.yaml", "{kind: npm, to: x, packages: {tool: latest}, removed: [../x]}");

        assertThatThrownBy(() -> parser.image("cli"))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().evidence()).hasSize(3));
    }

    @Test
    void aLineIsNamedWhereYamlIsBroken() {
        files.put("layers/one.yaml", "kind: npm\nto: /opt/x\npackages: {tool: 1.2.3\n");

        assertThatThrownBy(() -> parser.image("cli"))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().evidence().getFirst())
                                .matches("layers/one.yaml:[34]: .+"));
    }

    @Test
    void thereIsNoSuchRecipe() {
        for (String name : List.of("nowhere", "../kernel", "kernel")) {
            assertThatThrownBy(() -> parser.image(name))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            failure -> assertThat(failure.reason().code()).isEqualTo(CauseCode.NOT_FOUND));
        }
    }
}
