package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
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
        try (var left =
                Files.list(folder).filter(path -> !path.getFileName().toString().startsWith("hsperf"))) {
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
        assertThat(output)
                .contains("sallyport-agent: start: failed: AGENT_FAILED ")
                .contains(folder.resolve("none") + " is not there");
    }

    @Test
    void whatItNeedsOfTheMachineIsNamed() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String output = failed(
                    "vm_type=cli\ntoken_sha256=" + "a".repeat(64) + "\n",
                    "-Dsallyport.bind=127.0.0.1",
                    "-Dsallyport.port=" + taken.getLocalPort());

            assertThat(output.lines()).hasSize(2);
            assertThat(output)
                    .contains("start: facts read, ")
                    .contains("start: failed: AGENT_PORT_TAKEN cannot listen on 127.0.0.1:" + taken.getLocalPort()
                            + ": Address already in use");
        }
        assertThat(failed("vm_type=desk\ntoken_sha256=" + "a".repeat(64) + "\n"))
                .contains("start: failed: AGENT_FAILED ", "has no vm_type that is known: 'desk'");
        assertThat(failed("vm_type=cli\ntoken_sha256=ab\n")).contains("AGENT_FAILED ", "has no token_sha256");
        assertThat(failed(
                        "vm_type=cli\ntoken_sha256=" + "a".repeat(64) + "\n",
                        "-Dsallyport.bind=127.0.0.1",
                        "-Dsallyport.port=0",
                        "-Dsallyport.streamPort=0",
                        "-Dsallyport.run=/dev/full/x"))
                .contains("start: listening on 127.0.0.1:", "start: failed: AGENT_FAILED /dev/full");
    }

    private String failed(String facts, String... properties) throws Exception {
        Path file = Files.writeString(folder.resolve("facts"), facts);
        var arguments = new ArrayList<>(List.of(properties));
        arguments.add("-Dsallyport.facts=" + file);
        arguments.add("dev.sallyport.agent.Main");
        Process process = java(arguments.toArray(String[]::new));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isEqualTo(1);
        return output;
    }
}
