package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MainTest {
    @TempDir
    Path folder;

    private Process java(String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + folder,
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    @Test
    void trainingEndsWellAndLeavesNothing() throws Exception {
        Process process = java("dev.sallyport.agent.Main", "--train");
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        try (var left = Files.list(folder).filter(path -> !path.getFileName().toString().startsWith("hsperf"))) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void withoutFactsItSaysWhatIsMissing() throws Exception {
        Process process = java("-Dsallyport.facts=" + folder.resolve("none"), "dev.sallyport.agent.Main");
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(output.lines()).hasSize(1);
        assertThat(output).contains("sallyport-agent: ").contains(folder.resolve("none").toString());
    }
}
