package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.machine.Resource;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.vault.CredentialFile;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one user's transaction can do to another's rows when the SQL forgets to say whose it means: nothing. */
@ExtendWith(TestStore.Extension.class)
class RowSecurityTest {
    private static final ProviderId CODEX = new ProviderId("codex");

    private final TestStore store;
    private UserId ours;
    private UserId theirs;
    private SessionId theirSession;
    private MachineId theirMachine;
    private TokenStore.Issued theirToken;

    RowSecurityTest(TestStore store) {
        this.store = store;
        this.ours = store.newUser();
        this.theirs = store.newUser();
        this.theirSession = SessionId.random();
        this.theirMachine = MachineId.random();
        this.theirToken = new TokenStore(store.database()).issue(theirs, "theirs", null);
    }

    @BeforeEach
    void rowsOfTwoUsers() {
        ours = store.newUser();
        theirs = store.newUser();
        for (UserId user : List.of(ours, theirs)) {
            theirSession = store.sessions().create(user, CODEX, TestStore.HOST).id();
            theirMachine = MachineId.random();
            store.machines()
                    .plan(new MachineStore.NewMachine(
                            theirMachine,
                            VmType.CLI,
                            user,
                            theirSession,
                            "image",
                            "fake",
                            Secret.random(16),
                            TestStore.HOST,
                            Set.of()));
            new ResourceStore(store.database())
                    .ledger(theirMachine, VmType.CLI)
                    .intend(List.of(new Resource("fake", "file", "/x")));
            theirToken = new TokenStore(store.database()).issue(user, "one", null);
            store.vault().seal(user, CODEX, List.of(new CredentialFile("auth.json", "0600", new byte[] {1})), 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sessions", "machines", "timelines", "tokens", "credentials"})
    void seesOnlyItsOwnRows(String table) {
        assertThat(column(Scope.of(ours), "SELECT user_id FROM " + table))
                .isNotEmpty()
                .containsOnly(ours.value());
        assertThat(column(Scope.all(), "SELECT user_id FROM " + table)).contains(ours.value(), theirs.value());
    }

    @Test
    void seesOnlyItsOwnEvents() {
        List<String> visible = column(Scope.of(ours), "SELECT id FROM events");
        assertThat(visible).hasSize(2).doesNotContain(theirSession.value(), theirMachine.value());
        assertThat(column(Scope.all(), "SELECT id FROM events")).contains(theirSession.value(), theirMachine.value());
    }

    @ParameterizedTest
    @ValueSource(strings = {"resources", "vault_keyset"})
    void seesNothingOfWhatIsTheControllersAlone(String table) {
        assertThat(column(Scope.of(ours), "SELECT 'a row' FROM " + table)).isEmpty();
        assertThat(column(Scope.all(), "SELECT 'a row' FROM " + table)).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE sessions SET proof = 'stolen'",
                "UPDATE machines SET end_reason = 'stolen'",
                "UPDATE tokens SET revoked_at = now()",
                "UPDATE credentials SET sealed = ''",
                "UPDATE timelines SET last_sequence = 0"
            })
    void changesOnlyItsOwnRows(String forgetful) {
        String table = forgetful.split(" ", -1)[1];
        Map<String, Object> before = theirRow(table);
        int changed = store.database()
                .inTransaction(
                        Scope.of(ours), handle -> handle.createUpdate(forgetful).execute());
        assertThat(changed).isEqualTo(table.equals("timelines") ? 2 : 1);
        assertThat(theirRow(table)).isEqualTo(before);
    }

    @Test
    void deletesOnlyItsOwnRows() {
        store.database().useTransaction(Scope.of(ours), handle -> {
            assertThat(handle.createUpdate("DELETE FROM timelines").execute()).isEqualTo(2);
            assertThat(handle.createUpdate("DELETE FROM resources").execute()).isZero();
        });
        assertThat(store.timelines().read(Scope.of(theirs), TimelineId.of(theirSession), 0, 10))
                .hasSize(1);
    }

    @Test
    void writesNoRowForAnother() {
        assertRefused(
                "INSERT INTO sessions (id, user_id, provider, status, created_at, updated_at) VALUES (?, ?, 'x', 'initializing', now(), now())",
                SessionId.random().value(),
                theirs.value());
        assertRefused(
                "INSERT INTO tokens (id, sha256, user_id, label, created_at) VALUES ('t-aaaaaaaaaaaa', ?, ?, '', now())",
                Secret.random(8).sha256(),
                theirs.value());
        assertRefused("UPDATE sessions SET user_id = ?", theirs.value());
        assertRefused(
                "INSERT INTO events (kind, id, sequence, at, step, text, details) VALUES ('session', ?, 9, now(), 'forged', '', '{}')",
                theirSession.value());
    }

    @Test
    void changesNoEventAndNoRule() {
        assertDenied("UPDATE events SET text = 'nothing happened'");
        assertDenied("DELETE FROM events");
        assertDenied("ALTER TABLE sessions DISABLE ROW LEVEL SECURITY");
        assertDenied("DROP POLICY own ON sessions");
        assertDenied("SET ROLE sallyport_owner");
        assertDenied("CREATE TABLE own_table (n int)");
    }

    @Test
    void seesNothingWhenNobodyWasNamed() throws Exception {
        try (var connection = store.database().dataSource().getConnection();
                var statement = connection.createStatement()) {
            for (String table :
                    List.of("sessions", "machines", "timelines", "events", "tokens", "credentials", "resources")) {
                try (var rows = statement.executeQuery("SELECT count(*) FROM " + table)) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getLong(1)).as(table).isZero();
                }
            }
        }
    }

    @Test
    void forgetsWhoItWasWhenTheTransactionEnds() {
        // All connections of the pool have served both scopes by then.
        for (int i = 0; i < 40; i++) {
            store.sessions().notEnded(TestStore.HOST);
            assertThat(column(Scope.of(ours), "SELECT user_id FROM sessions")).containsOnly(ours.value());
        }
    }

    @Test
    void storesHoldToTheirScope() {
        assertThat(store.sessions().find(Scope.of(ours), theirSession)).isEmpty();
        assertThatThrownBy(() -> store.sessions()
                        .transition(Scope.of(ours), theirSession, SessionLife.Event.CANCEL, SessionChange.none()))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("NOT_FOUND");
        assertThat(store.sessions()
                        .list(Scope.of(ours), new SessionQuery(theirs, null, false), null, 10)
                        .items())
                .isEmpty();
        assertThat(store.machines().find(Scope.of(ours), theirMachine)).isEmpty();
        assertThat(store.timelines().read(Scope.of(ours), TimelineId.of(theirSession), 0, 10))
                .isEmpty();
        var tokens = new TokenStore(store.database());
        assertThat(tokens.revoke(Scope.of(ours), theirToken.token().id())).isFalse();
        assertThat(tokens.authenticate(theirToken.secret())).isPresent();
    }

    @Test
    void aUserCannotBeCalledEverybody() {
        assertThatThrownBy(() -> new UserId("*")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void everyTableOfUsersIsUnderRowSecurity() {
        assertThat(column(
                        Scope.all(),
                        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                                + " WHERE c.relkind = 'r' AND a.attname = 'user_id' AND NOT c.relrowsecurity"))
                .isEmpty();
    }

    private void assertRefused(String sql, Object... values) {
        assertThatThrownBy(() -> store.database().useTransaction(Scope.of(ours), handle -> handle.execute(sql, values)))
                .as(sql)
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("violates row-level security policy");
    }

    private void assertDenied(String sql) {
        assertThatThrownBy(() -> store.database().useTransaction(Scope.all(), handle -> handle.execute(sql)))
                .as(sql)
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("42501");
    }

    private List<String> column(Scope scope, String sql) {
        return store.database()
                .inTransaction(
                        scope,
                        handle -> handle.createQuery(sql).mapTo(String.class).list());
    }

    private Map<String, Object> theirRow(String table) {
        return store.database()
                .inTransaction(
                        Scope.all(),
                        (Handle handle) -> handle.createQuery("SELECT to_jsonb(t)::text AS row FROM " + table
                                        + " t WHERE user_id = ? ORDER BY 1 LIMIT 1")
                                .bind(0, theirs.value())
                                .mapToMap()
                                .one());
    }
}
