package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FactsDiskTest {
    @TempDir
    Path folder;

    @Test
    void theDiskIsHeaderSortedFactsEndAndPadding() throws Exception {
        Path file = folder.resolve("facts.raw");
        FactsDisk.write(file, Map.of("vm_type", "cli", "machine_id", "m-abcdefghijkl", "hostname", "böx=1"));

        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSize(4096);
        String text = new String(bytes, StandardCharsets.UTF_8);
        assertThat(text)
                .startsWith("SALLYPORT-FACTS 1\nhostname=böx=1\nmachine_id=m-abcdefghijkl\nvm_type=cli\nEND\n\0");
        assertThat(text.substring(text.indexOf('\0')).chars()).allMatch(c -> c == 0);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
    }

    @Test
    void aFileThatWasLongerIsReplacedWhole() throws Exception {
        Path file = folder.resolve("facts.raw");
        FactsDisk.write(file, Map.of("long", "x".repeat(5000)));
        assertThat(Files.size(file)).isEqualTo(8192);
        FactsDisk.write(file, Map.of("short", "y"));
        assertThat(Files.size(file)).isEqualTo(4096);
    }

    @Test
    void whatJustFitsIsTakenAndOneBlockMoreIsNot() {
        int room = FactsDisk.MAX_BYTES - "SALLYPORT-FACTS 1\nk=\nEND\n".length();
        assertThat(FactsDisk.content(Map.of("k", "x".repeat(room)))).hasSize(FactsDisk.MAX_BYTES);
        assertThat(refused(Map.of("k", "x".repeat(room + 1)))).contains("most that a machine reads");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A", "1a", "a-b", "a b", "a=b", "_a", "ä", "a\n"})
    void aKeyMustBePlain(String key) {
        assertThat(refused(Map.of(key, "x"))).contains("key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\nmachine_id=other", "a\rb", "a\0b", "\u001b[2J", "a\u2028b", "a\u0085b"})
    void aValueIsOneLineAndNeverInTheMessage(String value) {
        assertThat(refused(Map.of("flavour", value))).contains("flavour").doesNotContain(value);
    }

    private static String refused(Map<String, String> facts) {
        FailureException failure = catchThrowableOfType(FailureException.class, () -> FactsDisk.content(facts));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.BAD_REQUEST);
        return String.valueOf(failure.getMessage());
    }
}
