package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.vault.CredentialFile;
import dev.sallyport.vault.MasterKey;
import dev.sallyport.vault.Vault;
import dev.sallyport.vault.VersionConflictException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The vault on the real store. */
@ExtendWith(TestStore.Extension.class)
class CredentialStoreTest {
    private static final ProviderId CODEX = new ProviderId("codex");

    private final TestStore store;
    private final Vault vault;
    private UserId user;

    CredentialStoreTest(TestStore store) {
        this.store = store;
        this.vault = store.vault();
        this.user = store.newUser();
    }

    @BeforeEach
    void newUser() {
        user = store.newUser();
    }

    @Test
    void keepsVersionsAndADeletionsTrace() {
        assertThat(vault.version(user, CODEX)).isZero();
        assertThat(vault.seal(user, CODEX, files("one"), 0)).isEqualTo(1);
        assertThat(vault.seal(user, CODEX, files("two"), 1)).isEqualTo(2);
        assertThat(content()).isEqualTo("two");
        assertThatThrownBy(() -> vault.seal(user, CODEX, files("late"), 1))
                .isInstanceOfSatisfying(VersionConflictException.class, conflict -> {
                    assertThat(conflict.expected()).isEqualTo(1);
                    assertThat(conflict.actual()).isEqualTo(2);
                });
        assertThatThrownBy(() -> vault.seal(user, CODEX, files("fresh"), 0))
                .isInstanceOf(VersionConflictException.class);
        assertThat(vault.delete(user, CODEX, 2)).isEqualTo(3);
        assertThat(vault.open(user, CODEX)).isEmpty();
        assertThat(vault.version(user, CODEX)).isEqualTo(3);
        assertThatThrownBy(() -> vault.seal(user, CODEX, files("late"), 2))
                .isInstanceOf(VersionConflictException.class);
        assertThat(vault.seal(user, CODEX, files("again"), 3)).isEqualTo(4);
        assertThat(content()).isEqualTo("again");
    }

    @Test
    void ofSixteenThatWriteAtOnceOneWins() throws InterruptedException {
        for (long version = 0; version < 3; version++) {
            long expected = version;
            List<Object> outcomes = Race.of(16, () -> vault.seal(user, CODEX, files("raced"), expected));
            assertThat(outcomes).filteredOn(Long.class::isInstance).containsExactly(expected + 1);
            assertThat(outcomes)
                    .filteredOn(VersionConflictException.class::isInstance)
                    .hasSize(15);
        }
    }

    @Test
    void doesNotOpenARowThatWasMovedOrRolledBack() {
        vault.seal(user, CODEX, files("first"), 0);
        UserId thief = store.newUser();
        vault.seal(thief, CODEX, files("thief's"), 0);
        owner("UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE user_id = '" + user
                + "') WHERE user_id = '" + thief + "'");
        assertLocked(() -> vault.open(thief, CODEX));
        owner("UPDATE credentials SET version = 7 WHERE user_id = '" + user + "'");
        assertLocked(() -> vault.open(user, CODEX));
    }

    @Test
    void rotatesWhileOthersWrite() throws Exception {
        List<UserId> users = Stream.generate(store::newUser).limit(20).toList();
        users.forEach(each -> vault.seal(each, CODEX, files("of " + each), 0));
        Vault other = Vault.open(
                MasterKey.load(store.temporary().resolve("master-key"), null), new CredentialStore(store.database()));
        String before = vault.primaryKeyId();
        String now = other.rotate();
        assertThat(now).isNotEqualTo(before);
        other.seal(user, CODEX, files("by the new key"), 0);
        assertThat(content()).as("the other controller reads the key set again").isEqualTo("by the new key");
        List<Object> outcomes = Race.of(4, other::reseal);
        assertThat(outcomes)
                .allSatisfy(outcome -> assertThat(((Vault.Resealed) outcome).failures())
                        .as("those that another test has broken at the most")
                        .noneMatch(failure ->
                                users.stream().anyMatch(each -> failure.detail().contains(" " + each + " "))));
        assertThat(outcomes.stream()
                        .mapToInt(outcome -> ((Vault.Resealed) outcome).count())
                        .sum())
                .isGreaterThanOrEqualTo(20);
        var entries = new CredentialStore(store.database());
        assertThat(users)
                .allSatisfy(each -> assertThat(
                                entries.find(each, CODEX).orElseThrow().keyId())
                        .isEqualTo(now));
        for (UserId each : users) {
            assertThat(vault.open(each, CODEX).orElseThrow().version()).isEqualTo(1);
            assertThat(new String(
                            vault.open(each, CODEX)
                                    .orElseThrow()
                                    .files()
                                    .getFirst()
                                    .content(),
                            StandardCharsets.UTF_8))
                    .isEqualTo("of " + each);
        }
    }

    @Test
    void refusesAnotherMasterKey() {
        assertThatThrownBy(() -> Vault.open(
                        MasterKey.load(store.temporary().resolve("another-key"), null),
                        new CredentialStore(store.database())))
                .isInstanceOfSatisfying(FailureException.class, locked -> {
                    assertThat(locked.reason().code()).isEqualTo(CauseCode.VAULT_LOCKED);
                    assertThat(locked.reason().detail()).contains("another-key");
                });
    }

    @Test
    void leavesNoSecretInFilesLogsOrExceptions() throws Exception {
        String marker = "marker" + Secret.random(16).reveal().replaceAll("[^A-Za-z0-9]", "0");
        vault.seal(user, CODEX, files(marker), 0);
        MachineId machine = MachineId.random();
        store.machines()
                .plan(new MachineStore.NewMachine(
                        machine, VmType.CLI, user, null, "image", "fake", Secret.of(marker), TestStore.HOST, Set.of()));
        TokenStore.Issued token = new TokenStore(store.database()).issue(user, "label", null);
        // Refused statements with the secret among their values: by a constraint, a type, and a missing table.
        for (String sql : List.of(
                "INSERT INTO tokens (id, sha256, user_id, label, created_at) VALUES ('t-aaaaaaaaaaaa', ?, '" + user
                        + "', '', now())",
                "SELECT 1 FROM no_such_table WHERE word = ?")) {
            Throwable refused = catchThrowable(() -> store.database()
                    .useTransaction(
                            Scope.all(),
                            handle -> handle.createQuery(sql)
                                    .bind(0, marker)
                                    .mapToMap()
                                    .list()));
            assertThat(refused).isInstanceOf(FailureException.class);
            var trace = new StringWriter();
            refused.printStackTrace(new PrintWriter(trace));
            assertThat(trace.toString()).doesNotContain(marker);
            assertThat(((FailureException) refused).reason().toString()).doesNotContain(marker);
        }
        assertThat(store.machines().get(Scope.all(), machine).toString()).doesNotContain(marker);
        owner("CHECKPOINT");
        assertThat(filesWith(marker)).isEmpty();
        assertThat(filesWith(token.secret().reveal())).isEmpty();
        assertThat(filesWith(token.secret().sha256()))
                .as("the search finds what is there")
                .isNotEmpty();
    }

    private List<Path> filesWith(String words) throws IOException {
        try (Stream<Path> walk = Files.walk(store.temporary().resolve("data"))) {
            return walk.filter(Files::isRegularFile)
                    .filter(file -> read(file).contains(words))
                    .toList();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            // The server removed it since it was listed.
            return "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void owner(String sql) {
        var access = store.postgres().access();
        try (var connection = DriverManager.getConnection(
                        access.url(),
                        access.owner().user(),
                        access.owner().password().reveal());
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertLocked(ThrowingCallable opening) {
        assertThatThrownBy(opening)
                .isInstanceOfSatisfying(
                        FailureException.class,
                        locked -> assertThat(locked.reason().code()).isEqualTo(CauseCode.VAULT_LOCKED));
    }

    private String content() {
        return new String(
                vault.open(user, CODEX).orElseThrow().files().getFirst().content(), StandardCharsets.UTF_8);
    }

    private static List<CredentialFile> files(String content) {
        return List.of(new CredentialFile(".codex/auth.json", "0600", content.getBytes(StandardCharsets.UTF_8)));
    }
}
