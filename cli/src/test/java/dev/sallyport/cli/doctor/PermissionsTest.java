package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.cli.doctor.Permissions.Entry;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PermissionsTest {
    private static final Path DATA = Path.of("/var/lib/sallyport");

    private static Entry entry(String what, boolean writable, String owner, String mode) {
        return new Entry(what, DATA.resolve(what), true, writable, owner, PosixFilePermissions.fromString(mode));
    }

    @ParameterizedTest
    @CsvSource({
        "true,  ada, rwx--x--x, OK",
        "true,  ada, rwxr-xr-x, OK",
        "true,  ada, rwxrwxr-x, BROKEN",
        "true,  ada, rwx----w-, BROKEN",
        "false, eve, rwxr-xr-x, BROKEN",
        "true,  eve, rwxr-xr-x, WARNING",
    })
    void foldersAreOnesOwnAndNobodyElseWritesThere(boolean writable, String owner, String mode, State state) {
        assertThat(Permissions.folder(entry("data", writable, owner, mode), "ada")
                        .state())
                .isEqualTo(state);
    }

    @Test
    void aFolderThatIsNotThereMustBeMakeable() {
        assertThat(Permissions.folder(new Entry("Data folder", DATA, false, true, "", Set.of()), "ada"))
                .isEqualTo(Finding.ok("Data folder /var/lib/sallyport is not there yet, and can be made."));
        Finding finding = Permissions.folder(new Entry("Data folder", DATA, false, false, "", Set.of()), "ada");
        assertThat(finding.state()).isEqualTo(State.BROKEN);
        assertThat(finding.remedy()).contains("install -d -o ada").contains("SALLYPORT_DATA");
    }

    @Test
    void secretsAreForOneReader() {
        List<Finding> findings = Permissions.secrets(
                List.of(
                        entry("master-key", true, "ada", "rw-r-----"),
                        entry("admin-token", true, "eve", "rw-------"),
                        entry("postgres-password", true, "ada", "rw-------"),
                        new Entry("other", DATA, false, true, "", Set.of())),
                "ada");
        assertThat(findings).extracting(Finding::state).containsExactly(State.BROKEN, State.BROKEN, State.OK);
        assertThat(findings.get(0).text()).contains("master-key").contains("rw-r-----");
        assertThat(findings.get(0).remedy()).contains("chmod 0600 " + DATA.resolve("master-key"));
        assertThat(findings.get(1).text()).contains("eve's");
        assertThat(findings.get(2).text()).isEqualTo("Only ada can read postgres-password.");
        assertThat(Permissions.secrets(List.of(), "ada")).isEmpty();
    }

    @Test
    void systemUsersAreNeeded() {
        List<String> both = List.of("sallyport", "sallyport-db");
        assertThat(Permissions.users(both, List.of()).state()).isEqualTo(State.OK);
        Finding finding = Permissions.users(both, List.of("sallyport-db"));
        assertThat(finding.state()).isEqualTo(State.BROKEN);
        assertThat(finding.remedy()).contains("useradd").contains("sallyport-db");
    }

    @Test
    void machinesMustReachTheCache() {
        assertThat(Permissions.closed(List.of(), "sallyport")).isEmpty();
        assertThat(Permissions.closed(List.of(Path.of("/root/cache"), Path.of("/root")), "sallyport"))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.state()).isEqualTo(State.BROKEN);
                    assertThat(finding.remedy()).contains("chmod o+x /root'");
                });
    }

    @Test
    void withoutRootNamespacesAreNeeded() {
        assertThat(Permissions.namespaces(Optional.empty(), "ada").state()).isEqualTo(State.OK);
        Finding finding = Permissions.namespaces(Optional.of("unshare: failed to find a subuid range for ada"), "ada");
        assertThat(finding.state()).isEqualTo(State.BROKEN);
        assertThat(finding.text()).contains("subuid range");
        assertThat(finding.remedy()).contains("--add-subuids");
    }
}
