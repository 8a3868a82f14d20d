package dev.sallyport.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.agent.linux.Launch.Streams;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProcessesTest {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Map<String, String> ENVIRONMENT = Map.of("PATH", System.getenv("PATH"));

    private final Processes processes = new Processes();

    @TempDir
    Path folder;

    private static final class Collected implements OutputListener {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final CountDownLatch something = new CountDownLatch(1);

        @Override
        public synchronized void output(byte[] buffer, int length) {
            bytes.write(buffer, 0, length);
            something.countDown();
        }

        synchronized String text() {
            return bytes.toString(StandardCharsets.UTF_8);
        }

        void awaitSomething() throws InterruptedException {
            assertThat(something.await(20, TimeUnit.SECONDS)).as("output came").isTrue();
        }
    }

    private record Finished(int exitCode, String output) {}

    private Finished run(Streams streams, String script) throws Exception {
        var collected = new Collected();
        Child child = processes.start(new Launch(List.of("sh", "-c", script), ENVIRONMENT, folder, streams), collected);
        try {
            int exitCode = child.awaitExit(LONG).orElseThrow();
            child.awaitOutput(LONG);
            return new Finished(exitCode, collected.text());
        } finally {
            child.endAll(Duration.ZERO, "");
        }
    }

    @Test
    void aTerminalHasTheSizeThatWasAskedForAndControlsTheProcess() throws Exception {
        Finished finished = run(new Streams.Terminal(41, 1003), "stty size; tty; ps -o tty= -p $$; test -t 0 -a -t 1 -a -t 2 && echo all");

        assertThat(finished.exitCode()).isZero();
        List<String> lines = finished.output().lines().toList();
        assertThat(lines.getFirst()).isEqualTo("41 1003");
        assertThat(lines.get(1)).startsWith("/dev/pts/");
        assertThat("/dev/" + lines.get(2).strip()).isEqualTo(lines.get(1));
        assertThat(lines.get(3)).isEqualTo("all");
    }

    @Test
    void pipesAreNoTerminalAndCarryBothStreams() throws Exception {
        Finished finished = run(new Streams.Pipes(), "test -t 0 || echo no terminal; echo error >&2; pwd; exit 7");

        assertThat(finished.exitCode()).isEqualTo(7);
        assertThat(finished.output()).isEqualTo("no terminal\nerror\n" + folder + "\n");
    }

    @Test
    void noDescriptorOfTheAgentLeaksIntoAChild() throws Exception {
        Finished finished = run(new Streams.Pipes(), "ls /proc/self/fd");

        // Descriptor 3 is the folder that ls reads.
        assertThat(finished.output().lines()).containsExactly("0", "1", "2", "3");
    }

    @Test
    void aSignalThatEndedAProcessIsInItsExitCode() throws Exception {
        assertThat(run(new Streams.Pipes(), "kill -9 $$").exitCode()).isEqualTo(137);
    }

    @Test
    void inputArrivesAndEnds() throws Exception {
        var collected = new Collected();
        Child child = processes.start(
                new Launch(List.of("cat"), ENVIRONMENT, folder, new Streams.Pipes()), collected);
        child.write("a line\n".getBytes(StandardCharsets.UTF_8));
        child.closeInput();
        child.closeInput();

        assertThat(child.awaitExit(LONG)).hasValue(0);
        child.awaitOutput(LONG);
        assertThat(collected.text()).isEqualTo("a line\n");
        child.endAll(Duration.ZERO, "");
        assertThatThrownBy(() -> child.write(new byte[] {1})).isInstanceOf(IOException.class);
    }

    @Test
    void theEndOfFileCharacterEndsATerminalsInput() throws Exception {
        var collected = new Collected();
        Child child = processes.start(
                new Launch(List.of("cat"), ENVIRONMENT, folder, new Streams.Terminal(24, 80)), collected);
        child.write("a line\n".getBytes(StandardCharsets.UTF_8));
        collected.awaitSomething();
        child.closeInput();

        assertThat(child.awaitExit(LONG)).hasValue(0);
        child.endAll(Duration.ZERO, "");
    }

    @Test
    void controlDescriptorsAreThreeAndFour() throws Exception {
        var said = new Collected();
        var answered = new Collected();
        Child child = processes.start(
                new Launch(
                        List.of("sh", "-c", "read line <&3; echo \"got $line\" >&4; ls /proc/self/fd; cat"),
                        ENVIRONMENT,
                        folder,
                        new Streams.Control()),
                said);
        child.onControl(answered);
        child.write("this\n".getBytes(StandardCharsets.UTF_8));
        answered.awaitSomething();

        assertThat(answered.text()).isEqualTo("got this\n");
        assertThat(child.awaitExit(LONG)).as("cat sees an empty input").hasValue(0);
        child.awaitOutput(LONG);
        assertThat(said.text().lines()).containsExactly("0", "1", "2", "3", "4", "5");
        child.endAll(Duration.ZERO, "");
    }

    @Test
    void aWrappersChildThatKeepsAPortIsEndedToo() throws Exception {
        var collected = new Collected();
        String listener =
                "const s=require('net').createServer(()=>{}).listen(0,'127.0.0.1',()=>console.log(s.address().port))";
        Files.writeString(folder.resolve("wrapper.sh"), "node -e \"$1\" &\nwait\n");
        Child child = processes.start(
                new Launch(List.of("sh", "wrapper.sh", listener), ENVIRONMENT, folder, new Streams.Pipes()), collected);
        collected.awaitSomething();
        int port = Integer.parseInt(collected.text().strip());
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            assertThat(socket.isConnected()).isTrue();
        }

        assertThat(child.endAll(Duration.ofSeconds(5), "")).isEmpty();

        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void whatIgnoresTermAndWhatLeftTheSessionIsKilled() throws Exception {
        var environment = new TreeMap<>(ENVIRONMENT);
        environment.put("FAMILY", "of-this-test");
        var collected = new Collected();
        Child child = processes.start(
                new Launch(
                        List.of(
                                "sh",
                                "-c",
                                "trap '' TERM; setsid sh -c \"trap '' TERM; echo \\$\\$; while :; do sleep 1; done\" & while :; do sleep 1; done"),
                        environment,
                        folder,
                        new Streams.Pipes()),
                collected);
        collected.awaitSomething();
        long stray = Long.parseLong(collected.text().strip());
        assertThat(runs(stray)).isTrue();

        assertThat(child.endAll(Duration.ofMillis(200), "FAMILY=of-this-test")).isEmpty();

        assertThat(runs(stray)).isFalse();
        assertThat(Path.of("/proc/" + child.pid())).as("the leader is reaped").doesNotExist();
        assertThat(child.endAll(Duration.ZERO, "")).as("twice is harmless").isEmpty();
    }

    @Test
    void nothingIsLeftOpenAfterwards() throws Exception {
        run(new Streams.Pipes(), "true");
        long before = descriptors();
        run(new Streams.Pipes(), "true");
        run(new Streams.Control(), "true");
        run(new Streams.Terminal(10, 10), "true");

        assertThat(descriptors()).isEqualTo(before);
    }

    /** An orphan that has ended waits as a zombie until the system's first process reaps it. */
    private static boolean runs(long pid) throws IOException {
        Path stat = Path.of("/proc/" + pid + "/stat");
        return Files.exists(stat) && !Files.readString(stat).contains(") Z ");
    }

    private static long descriptors() throws IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return list.count();
        }
    }

    @Test
    void aProgramThatIsNotThereIsSaidSo() {
        assertThatThrownBy(() -> processes.start(
                        new Launch(List.of("no-such-program"), ENVIRONMENT, folder, new Streams.Pipes()),
                        new Collected()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no-such-program is not there");
    }
}
