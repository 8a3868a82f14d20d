package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The whole verb on this host, whatever this host is like, with empty folders. */
@Timeout(120)
final class DoctorVerbTest {
    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** One finding as JSON; other fields are refused. */
    private record Told(String check, String state, String text, String remedy) {}

    private int run(String... arguments) {
        var folders = new Folders(folder.resolve("cache"), folder.resolve("data"), folder);
        return new CommandLine(new DoctorVerb(folders, new PrintStream(out, true, StandardCharsets.UTF_8)))
                .execute(arguments);
    }

    private String told() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void everyCheckIsToldAsJsonAndAForeignPortIsBroken() throws Exception {
        int status;
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            status = run("--json", "--port", Integer.toString(taken.getLocalPort()));
        }
        List<Told> findings = new ObjectMapper().readValue(told(), new TypeReference<>() {});
        assertThat(findings.stream().map(Told::check).distinct())
                .containsExactly(
                        "packages",
                        "permissions",
                        "kvm",
                        "network",
                        "port",
                        "disk",
                        "memory",
                        "open files",
                        "clock",
                        "database",
                        "images",
                        "leftovers");
        assertThat(findings).allSatisfy(finding -> {
            assertThat(finding.state()).isIn("ok", "warning", "broken");
            assertThat(finding.text()).isNotBlank().doesNotContain("defect");
            assertThat(finding.remedy().isEmpty()).isEqualTo(finding.state().equals("ok"));
        });
        assertThat(findings)
                .filteredOn(finding -> finding.check().equals("port"))
                .extracting(Told::state)
                .containsExactly("broken");
        assertThat(status).isEqualTo(1);
        assertThat(folder).as("nothing is made by looking").isEmptyDirectory();
    }

    @Test
    void theStatusFollowsWhatIsTold() {
        int status = run("--port", "0");
        assertThat(told()).contains("\nport        ok      127.0.0.1:0 is free.\n");
        assertThat(status).isEqualTo(told().contains("Nothing is broken") ? 0 : 1);
    }

    @Test
    void anOperatorsOwnServerIsAskedInstead() {
        assertThat(run("--port", "0", "--database", "jdbc:postgresql://127.0.0.1:1/none"))
                .isEqualTo(1);
        assertThat(told()).contains("\nserver      broken  ").doesNotContain("\ndatabase ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:mysql://h/d",
                "jdbc:postgresql://h/d?user=a&password=hush",
                "jdbc:postgresql://ada:hush@h/d",
            })
    void aUrlWithCredentialsIsRefused(String url) {
        var met = new AtomicReference<Exception>();
        var folders = new Folders(folder, folder, folder);
        new CommandLine(new DoctorVerb(folders, System.out))
                .setExecutionExceptionHandler((thrown, command, parsed) -> {
                    met.set(thrown);
                    return 70;
                })
                .execute("--database", url);
        assertThat(met.get()).isInstanceOf(FailureException.class);
        assertThat(String.valueOf(met.get().getMessage())).doesNotContain("hush");
    }
}
