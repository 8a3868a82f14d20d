package dev.sallyport.image.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the guest's scripts with the host's shell, on a root and a systemctl of the test's making. */
@Timeout(60)
final class LastWordsTest {
    private static final String PREFIX = "sallyport-words: ";
    private static final String UNIT = "sallyport-agent.service";

    @TempDir
    Path folder;

    private Path root;
    private Path run;
    private Path bin;
    private Path console;

    @BeforeEach
    void guest() throws Exception {
        root = Files.createDirectory(folder.resolve("root"));
        run = Files.createDirectory(folder.resolve("run"));
        bin = Files.createDirectory(folder.resolve("bin"));
        console = folder.resolve("console");
        file("proc/net/tcp", """
                  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
                   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
                   1: 0100007F:1F90 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 1 1
                """);
        file("proc/net/tcp6", """
                  sl  local_address                         remote_address                        st
                   0: 000080FE00000000FF00000001000000:1F91 00000000000000000000000000000000:0000 0A 0
                   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0
                   2: 0000000000000000FFFF00000100007F:1F92 00000000000000000000000000000000:0000 0A 0
                """);
        file("proc/net/fib_trie", """
                Main:
                  +-- 0.0.0.0/0 3 0 5
                     |-- 10.0.2.15
                        /32 host LOCAL
                     |-- 127.0.0.1
                        /32 host LOCAL
                """);
        file("proc/meminfo", "MemTotal: 500000 kB\nMemFree: 1 kB\nMemAvailable: 400000 kB\n");
        file("proc/77/stat", "77 (my (agent)) S 1 77 77 0 -1 4194560 1 2 3 4 120 30 0 0 20 0\n");
        file("sys/class/net/eth0/operstate", "up\n");
        file("sys/class/net/lo/operstate", "unknown\n");
        file("proc/stat", "cpu 1 2\ncpu0 1 2\nintr 1 2\nbtime 1700000000\n");
        file("proc/uptime", "12.34 5.00\n");
        program("systemctl", "exit 1");
        program("journalctl", "exit 1");
        for (FileRecipe recipe :
                ((Debian) RecipeParser.ofTheProduct().image("cli").layers().getFirst()).files()) {
            if (recipe.path().startsWith("/usr/lib/sallyport/")) {
                assertThat(recipe.mode()).isEqualTo("0755");
                executable(folder.resolve(Path.of(recipe.path()).getFileName()), recipe.content());
            }
        }
    }

    private void file(String path, String content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private static void executable(Path file, String content) throws IOException {
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void program(String name, String body) throws IOException {
        executable(bin.resolve(name), "#!/bin/sh\n" + body + "\n");
    }

    private List<String> words(String reason, Map<String, String> environment) throws Exception {
        return run("last-words", List.of(reason), environment);
    }

    private List<String> run(String script, List<String> arguments, Map<String, String> environment) throws Exception {
        Files.deleteIfExists(console);
        Files.createFile(console);
        var command = new ArrayList<>(List.of("sh", folder.resolve(script).toString()));
        command.addAll(arguments);
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("MONITOR_") || name.equals("INVOCATION_ID"));
        builder.environment()
                .putAll(Map.of(
                        "WORDS_PATH",
                        bin + ":/usr/bin:/bin",
                        "WORDS_CONSOLE",
                        console.toString(),
                        "WORDS_ROOT",
                        root.toString(),
                        "WORDS_RUN",
                        run.toString(),
                        "WORDS_SCRIPT",
                        folder.resolve("last-words").toString(),
                        "WORDS_TIMEOUT",
                        "2"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).isEmpty();
        return Files.readAllLines(console, StandardCharsets.ISO_8859_1);
    }

    /** What stands between BEGIN and END, after the report has been checked as a reader would. */
    private List<String> checked(List<String> lines, String reason) throws Exception {
        assertThat(lines).hasSizeLessThanOrEqualTo(83);
        assertThat(lines.getFirst()).isEmpty();
        List<String> report = lines.subList(1, lines.size());
        assertThat(report)
                .allSatisfy(line ->
                        assertThat(line).startsWith(PREFIX).matches("[ -~]*").hasSizeLessThanOrEqualTo(300));
        assertThat(report.getFirst()).isEqualTo(PREFIX + "BEGIN 1 " + reason);
        List<String> between = report.subList(1, report.size() - 1).stream()
                .map(line -> line.substring(PREFIX.length()))
                .toList();
        Process cksum = new ProcessBuilder("cksum").start();
        try (var in = cksum.outputWriter(StandardCharsets.US_ASCII)) {
            for (String line : between) {
                in.write(line + "\n");
            }
        }
        String sum = new String(cksum.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).split(" ", 2)[0];
        assertThat(report.getLast()).isEqualTo(PREFIX + "END " + between.size() + " " + sum);
        return between;
    }

    @Test
    void anEndOfTheUnitIsTold() throws Exception {
        program("systemctl", """
                cat <<'END'
                MainPID=77
                Result=exit-code
                ExecMainCode=1
                ExecMainStatus=203
                ExecStart={ path=/opt/agent ; argv[]=/opt/agent ; ignore_errors=no }
                Id=sallyport-agent.service
                After=-.mount
                LoadState=loaded
                ActiveState=deactivating
                Job=0

                Id=other.service
                LoadError=org.freedesktop.systemd1.BadUnitSetting "Unit other.service has a bad unit file setting."
                LoadState=bad-setting
                ActiveState=failed
                END""");
        program("journalctl", "printf 'first\\n\\nse\\033[1mcond \\303\\274\\n'");
        file("opt/agent", "#!/usr/bin/nodejs --x\n");
        Files.setPosixFilePermissions(root.resolve("opt/agent"), PosixFilePermissions.fromString("rwxr-xr-x"));

        List<String> report = checked(
                words(
                        "unit-failed",
                        Map.of("SERVICE_RESULT", "exit-code", "EXIT_CODE", "exited", "EXIT_STATUS", "203")),
                "unit-failed");

        assertThat(report)
                .containsSubsequence(
                        "unit " + UNIT + " Result=exit-code ExecMainCode=1 ExecMainStatus=203",
                        "unit " + UNIT + " MainPID=77 Result=exit-code ExecMainCode=1 ExecMainStatus=203"
                                + " LoadState=loaded ActiveState=deactivating",
                        "unit other.service LoadState=bad-setting ActiveState=failed",
                        "error other.service org.freedesktop.systemd1.BadUnitSetting"
                                + " \"Unit other.service has a bad unit file setting.\"",
                        "exec /opt/agent ok",
                        "interpreter /usr/bin/nodejs missing",
                        "listen 127.0.0.1 8080",
                        "listen FE80:0000:0000:0000:0000:00FF:0000:0001 8081",
                        "listen :: 22",
                        "listen 127.0.0.1 8082",
                        "process my_(agent) S 1500",
                        "net eth0 up 10.0.2.15",
                        "memory 400000 500000",
                        "journal first",
                        "journal se?[1mcond ??")
                .anyMatch(line -> line.matches("disk / \\d+ \\d+"))
                .contains("clock 1700000012")
                .noneMatch(line -> line.startsWith("job") || line.startsWith("after"));
    }

    @Test
    void whatHasNotStartedSaysWhatItWaitsFor() throws Exception {
        program("systemctl", """
                case "$*" in
                  list-jobs*) echo '12 sallyport-agent.service start waiting'; echo '13 dev-never.device start running' ;;
                  *LoadState*) printf '%s\\n' Job=12 Id=sallyport-agent.service LoadState=loaded ActiveState=inactive \\
                    'After=dev-never.device -.mount' ;;
                  *) printf '%s\\n' Id=some.target ActiveState=inactive '' Id=dev-never.device ActiveState=inactive '' \\
                    Id=-.mount ActiveState=active ;;
                esac""");
        Path wants = Files.createDirectories(root.resolve("etc/systemd/system/some.target.wants"));
        Files.createSymbolicLink(wants.resolve(UNIT), Path.of("nowhere"));
        Path requires = Files.createDirectories(root.resolve("usr/lib/systemd/system/other.target.requires"));
        Files.createSymbolicLink(requires.resolve(UNIT), Path.of("/dev/null"));

        List<String> report = checked(words("not-started", Map.of()), "not-started");

        assertThat(report)
                .containsSubsequence(
                        "unit " + UNIT + " LoadState=loaded ActiveState=inactive",
                        "link /etc/systemd/system/some.target.wants/" + UNIT + " dangling",
                        "link /usr/lib/systemd/system/other.target.requires/" + UNIT + " masked",
                        "job " + UNIT + " start waiting",
                        "job dev-never.device start running",
                        "target some.target inactive",
                        "after dev-never.device inactive")
                .noneMatch(line -> line.startsWith("after -.mount"));
        // A link out of its folder would trouble the one who clears it away.
        Files.delete(requires.resolve(UNIT));
    }

    @Test
    void itIsBounded() throws Exception {
        program("systemctl", """
                case "$*" in
                  list-jobs*) i=0; while [ $i -lt 500 ]; do i=$((i + 1)); echo "$i a$i.service start waiting"; done ;;
                  *) i=0; while [ $i -lt 100 ]; do i=$((i + 1)); printf 'Id=u%s.service\\nLoadError=%0400d\\n\\n' $i $i; done ;;
                esac""");
        program("journalctl", "i=0; while [ $i -lt 500 ]; do i=$((i + 1)); printf '%04000d\\n' $i; done");

        List<String> report = checked(words("hung", Map.of()), "hung");

        assertThat(report).filteredOn(line -> line.startsWith("unit ")).hasSize(8);
        assertThat(report).filteredOn(line -> line.startsWith("error ")).hasSize(8);
        assertThat(report).filteredOn(line -> line.startsWith("job ")).hasSize(16);
        assertThat(report).filteredOn(line -> line.startsWith("journal ")).hasSizeBetween(1, 12);
    }

    @Test
    void withoutSystemdItSaysWhatItCan() throws Exception {
        program("systemctl", "exec sleep 100");
        Files.delete(root.resolve("proc/net/tcp6"));
        Files.delete(root.resolve("sys/class/net/eth0/operstate"));
        Files.delete(root.resolve("sys/class/net/eth0"));

        List<String> report = checked(words("emergency", Map.of()), "emergency");

        assertThat(report)
                .contains("error " + UNIT + " systemctl does not answer", "listen 127.0.0.1 8080", "net none")
                .doesNotContain("listen :: 22");
    }

    @Test
    void noMoreThanFiveReportsABoot() throws Exception {
        for (int i = 0; i < 5; i++) {
            checked(words("hung", Map.of()), "hung");
        }
        assertThat(words("hung", Map.of())).isEmpty();
    }

    @Test
    void itNeedsNoRoomForItsFiles() throws Exception {
        Path full = folder.resolve("nowhere");

        checked(words("hung", Map.of("WORDS_RUN", full.toString())), "hung");
        assertThat(full).doesNotExist();
    }

    @Test
    void aGoodEndIsNotWorthAWord() throws Exception {
        assertThat(words("unit-failed", Map.of("SERVICE_RESULT", "success"))).isEmpty();
    }

    @Test
    void oneEndIsToldOnce() throws Exception {
        checked(words("unit-failed", Map.of("SERVICE_RESULT", "signal", "INVOCATION_ID", "a1")), "unit-failed");

        assertThat(words("unit-failed", Map.of("MONITOR_INVOCATION_ID", "a1", "MONITOR_SERVICE_RESULT", "signal")))
                .isEmpty();
        checked(
                words("unit-failed", Map.of("MONITOR_INVOCATION_ID", "a2", "MONITOR_SERVICE_RESULT", "signal")),
                "unit-failed");
    }

    /** The guest of the witness: each sleep is a turn, in which the test's script changes what there is. */
    private List<String> witness(String turn) throws Exception {
        file("proc/net/tcp", "head\n");
        file("proc/net/tcp6", "head\n");
        file("proc/stat", "cpu 1\ncpu0 1\nintr 1\n");
        clock(0, 0);
        program(
                "sleep",
                "cd " + root + "; echo x >>../turns; n=$(wc -l <../turns)\n"
                        + "g=sys/fs/cgroup/system.slice/" + UNIT + "\n"
                        + turn);
        return run("witness", List.of(), Map.of());
    }

    private void clock(int up, int idle) throws IOException {
        file("proc/uptime", up + ".00 " + idle + ".00\n");
    }

    private int turns() throws IOException {
        return Files.readAllLines(folder.resolve("turns")).size();
    }

    @Test
    void theWitnessGoesWhenTheAgentListens() throws Exception {
        List<String> said = witness("echo \"$n.00 $n.00\" >proc/uptime\n"
                + "[ $n -lt 2 ] || echo ' 0: 00000000000000000000000000000000:1F90 00:00 0A 0' >proc/net/tcp6");

        assertThat(said).isEmpty();
        assertThat(turns()).isEqualTo(2);
    }

    @Test
    void aBusyMachineIsNotHurried() throws Exception {
        List<String> said = witness("echo \"$((n * 2)).00 0.00\" >proc/uptime\n"
                + "[ $n -lt 50 ] || echo ' 0: 00000000:1F90 00:00 0A 0' >proc/net/tcp");

        assertThat(said).isEmpty();
        assertThat(turns()).isEqualTo(50);
    }

    @Test
    void anIdleMachineWithoutTheAgentsProcessHasNotStartedIt() throws Exception {
        checked(witness("echo \"$n.00 $n.00\" >proc/uptime"), "not-started");

        assertThat(turns()).isEqualTo(2);
    }

    @Test
    void aProcessThatDoesNothingHangs() throws Exception {
        Path group = root.resolve("sys/fs/cgroup/system.slice/" + UNIT);
        Files.createDirectories(group);
        Files.writeString(group.resolve("cgroup.procs"), "77\n");
        Files.writeString(group.resolve("cpu.stat"), "usage_usec 0\n");

        // Works for three turns, then no more.
        checked(
                witness("echo \"$n.00 $n.00\" >proc/uptime; [ $n -gt 3 ] || echo usage_usec ${n}00000 >$g/cpu.stat"),
                "hung");
        assertThat(turns()).isEqualTo(6);
    }

    @Test
    void aProcessThatListensElsewhereIsNotListening() throws Exception {
        Path group = root.resolve("sys/fs/cgroup/system.slice/" + UNIT);
        Files.createDirectories(group);
        Files.writeString(group.resolve("cgroup.procs"), "77\n");
        Files.writeString(group.resolve("cpu.stat"), "usage_usec 0\n");

        List<String> report = checked(
                witness("echo \"$n.00 $n.00\" >proc/uptime; echo ' 0: 0100007F:1F90 00:00 0A 0' >proc/net/tcp"),
                "not-listening");
        assertThat(report).contains("listen 127.0.0.1 8080");
        assertThat(Files.exists(console, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }
}
