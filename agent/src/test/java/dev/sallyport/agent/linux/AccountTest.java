package dev.sallyport.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccountTest {
    @TempDir
    Path folder;

    @Test
    void anAccountIsFoundByItsName() throws Exception {
        Path passwd = Files.writeString(
                folder.resolve("passwd"), "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1001::/home/user:/bin/sh\n");
        assertThat(Account.find(passwd, "user")).isEqualTo(new Account("user", 1000, 1001));
        assertThatThrownBy(() -> Account.find(passwd, "use")).isInstanceOf(IOException.class);
    }

    @Test
    void aCommandRunsAsItsAccountForGood() throws Exception {
        assumeThat(System.getProperty("user.name")).as("only root can step down").isEqualTo("root");
        var output = new ByteArrayOutputStream();
        List<String> command = Account.commandAs(
                Optional.of(new Account("nobody", 65534, 65534)),
                List.of("sh", "-c", "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status"));
        Child child = new Processes()
                .start(
                        new Launch(command, Map.of("PATH", "/usr/bin:/bin"), Path.of("/"), new Launch.Streams.Pipes()),
                        (bytes, length) -> output.write(bytes, 0, length));
        assertThat(child.awaitExit()).isZero();
        child.awaitOutput(Duration.ofSeconds(10));
        child.endAll(Duration.ZERO, "");

        assertThat(output.toString(StandardCharsets.UTF_8).lines())
                .containsExactly("65534", "65534", "65534", "NoNewPrivs:\t1");
    }
}
