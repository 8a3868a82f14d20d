package dev.sallyport.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MasterKeyTest {
    @TempDir
    Path folder;

    @Test
    void isMadeOnceForItsOwnerAlone() throws Exception {
        Path file = folder.resolve("master-key");
        MasterKey.load(file, null);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        String text = Files.readString(file);
        assertThat(Base64.getUrlDecoder().decode(text.strip())).hasSize(32);
        assertThat(MasterKey.load(file, null).toString())
                .isEqualTo("MasterKey[" + file + "]")
                .doesNotContain(text.strip());
        assertThat(Files.readString(file)).isEqualTo(text);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r--r--", "rw-r-----", "rw-----w-", "rwx------", "rw----r--"})
    void isRefusedWhenOthersCouldReadIt(String mode) throws Exception {
        Path file = folder.resolve("master-key");
        MasterKey.load(file, null);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        assertThatThrownBy(() -> MasterKey.load(file, null)).isInstanceOfSatisfying(FailureException.class, refused -> {
            assertThat(refused.reason().code()).isEqualTo(CauseCode.SECRET_FILE_UNSAFE);
            assertThat(refused.reason().detail()).contains("chmod 600 " + file, mode);
        });
    }

    @Test
    void isRefusedWhenItIsALinkOrNoKey() throws Exception {
        Path real = folder.resolve("real");
        MasterKey.load(real, null);
        Path link = Files.createSymbolicLink(folder.resolve("link"), real);
        assertThatThrownBy(() -> MasterKey.load(link, null)).hasMessageContaining("not a regular file");
        Path file2 = folder.resolve("short");
        Files.writeString(file2, "c2hvcnQ\n");
        Files.setPosixFilePermissions(file2, PosixFilePermissions.fromString("rw-------"));
        assertThatThrownBy(() -> MasterKey.load(file2, null))
                .hasMessageContaining("not 32 bytes as base64")
                .hasMessageNotContaining("c2hvcnQ");
        Files.writeString(file2, "");
        assertThatThrownBy(() -> MasterKey.load(file2, null)).hasMessageContaining("one line of text");
        assertThatThrownBy(() -> MasterKey.load(folder.resolve("none/key"), null))
                .hasMessageContaining("the folder of");
    }

    @Test
    void comesFromTheEnvironmentBeforeTheFile() throws Exception {
        Path file = folder.resolve("master-key");
        byte[] raw = new byte[32];
        Arrays.fill(raw, (byte) 0xfb);
        var store = new MemoryStore();
        for (String text : List.of(
                Base64.getEncoder().encodeToString(raw),
                Base64.getUrlEncoder().withoutPadding().encodeToString(raw),
                " " + Base64.getEncoder().encodeToString(raw) + "\n")) {
            MasterKey key = MasterKey.load(file, text);
            assertThat(key.toString()).isEqualTo("MasterKey[SALLYPORT_MASTER_KEY]");
            Vault.open(key, store);
        }
        assertThat(file).doesNotExist();
        assertThatThrownBy(() -> MasterKey.load(file, "not base64 at all, secret"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("SALLYPORT_MASTER_KEY")
                .hasMessageNotContaining("at all")
                .hasNoCause();
        MasterKey.load(file, " ");
        assertThat(file).exists();
    }

    @Test
    void isTheSameForAllWhoMakeItAtOnce() throws Exception {
        Path file = folder.resolve("secret");
        Callable<Secret> make = () -> SecretFile.readOrCreate(file, () -> Secret.random(32));
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            var made = executor.invokeAll(Collections.nCopies(16, make));
            for (var each : made) {
                assertThat(each.get()).isEqualTo(made.getFirst().get());
            }
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }
}
