package dev.sallyport.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A pseudo-terminal in the place of the serial console. */
@Timeout(30)
class SerialLineTest {
    private final Libc libc = new Libc();
    private int host;
    private String name;
    private SerialLine line;

    @BeforeEach
    void open() throws IOException {
        host = libc.openPty();
        name = libc.ptyName(host);
        line = new SerialLine(Path.of(name));
    }

    @AfterEach
    void close() {
        line.close();
        libc.close(host);
    }

    private byte[] receive(int count) throws IOException {
        var all = new ByteArrayOutputStream();
        byte[] buffer = new byte[1024];
        while (all.size() < count) {
            all.write(buffer, 0, line.read(buffer));
        }
        return all.toByteArray();
    }

    private String seenByHost(int count) throws IOException {
        var all = new ByteArrayOutputStream();
        byte[] buffer = new byte[1024];
        while (all.size() < count) {
            all.write(buffer, 0, libc.read(host, buffer));
        }
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    private void stty(String... words) throws Exception {
        var command = new java.util.ArrayList<>(java.util.List.of("stty", "-F", name));
        command.addAll(java.util.List.of(words));
        Process stty = new ProcessBuilder(command).inheritIO().start();
        assertThat(stty.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(stty.exitValue()).isZero();
    }

    @Test
    void everyByteComesAndNoneIsEchoed() throws Exception {
        byte[] sent = new byte[3000];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = (byte) i; // Control characters, and no end of a line that would let a cooked terminal give it.
        }

        libc.write(host, sent);
        assertThat(receive(sent.length)).isEqualTo(sent);

        Files.writeString(Path.of(name), "out\n");
        assertThat(seenByHost(5))
                .as("others' output, as before, and no echo before it")
                .isEqualTo("out\r\n");
    }

    @Test
    void whatOthersSetIsUndone() throws Exception {
        assertThat(line.keepRaw()).isFalse();
        stty("sane");

        assertThat(line.keepRaw()).isTrue();
        libc.write(host, new byte[] {'a', 3, '\r'});

        assertThat(receive(3)).containsExactly('a', 3, '\r');
        Files.writeString(Path.of(name), "x\n");
        assertThat(seenByHost(3)).isEqualTo("x\r\n");
    }

    @Test
    void aWaitEndsWhenItIsWoken() throws Exception {
        line.wake();

        assertThat(line.read(new byte[1])).isEqualTo(-1);
    }
}
