package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(TestStore.Extension.class)
class TokenStoreTest {
    private final TestStore store;
    private final TokenStore tokens;
    private final UserId user;

    TokenStoreTest(TestStore store) {
        this.store = store;
        this.tokens = new TokenStore(store.database());
        this.user = store.newUser();
    }

    @Test
    void knowsATokenByItsDigest() {
        TokenStore.Issued issued = tokens.issue(user, "laptop", null);
        assertThat(tokens.authenticate(issued.secret())).contains(issued.token());
        assertThat(issued.token().user()).isEqualTo(user);
        assertThat(issued.token().label()).isEqualTo("laptop");
        assertThat(issued.token().expiresAt()).isNull();
        assertThat(tokens.authenticate(Secret.of(issued.secret().reveal() + "x")))
                .isEmpty();
        assertThat(tokens.authenticate(Secret.of(issued.secret().sha256()))).isEmpty();
        assertThat(tokens.authenticate(Secret.of(""))).isEmpty();
        assertThat(tokens.authenticate(Secret.of("x".repeat(100_000)))).isEmpty();
        assertThat(issued.toString()).doesNotContain(issued.secret().reveal());
        String row = store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT to_jsonb(t)::text FROM tokens t WHERE id = ?")
                                .bind(0, issued.token().id())
                                .mapTo(String.class)
                                .one());
        assertThat(row)
                .contains(issued.secret().sha256())
                .doesNotContain(issued.secret().reveal());
    }

    @Test
    void endsWithItsTime() {
        var now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
        InstantSource clock = now::get;
        try (var database = Database.open(store.postgres().access(), clock)) {
            var timed = new TokenStore(database);
            TokenStore.Issued issued = timed.issue(user, "short", Duration.ofHours(1));
            assertThat(issued.token().expiresAt()).isEqualTo("2026-01-01T01:00:00Z");
            now.set(Instant.parse("2026-01-01T00:59:59Z"));
            assertThat(timed.authenticate(issued.secret())).isPresent();
            now.set(Instant.parse("2026-01-01T01:00:00Z"));
            assertThat(timed.authenticate(issued.secret())).isEmpty();
        }
    }

    @Test
    void endsWhenRevoked() {
        TokenStore.Issued issued = tokens.issue(user, "lost", null);
        assertThat(tokens.revoke(Scope.of(user), issued.token().id())).isTrue();
        assertThat(tokens.authenticate(issued.secret())).isEmpty();
        assertThat(tokens.revoke(Scope.of(user), issued.token().id())).isFalse();
        assertThat(tokens.revoke(Scope.all(), "no such \u0000 id")).isFalse();
    }

    @Test
    void listsInPages() {
        UserId lister = store.newUser();
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.addFirst(tokens.issue(lister, "token " + i, null).token().id());
        }
        Page<StoredToken> first = tokens.list(Scope.of(lister), null, 2);
        Page<StoredToken> second = tokens.list(Scope.of(lister), first.next(), 2);
        Page<StoredToken> third = tokens.list(Scope.of(lister), second.next(), 2);
        List<String> seen = new ArrayList<>();
        List.of(first, second, third).forEach(page -> page.items().forEach(token -> seen.add(token.id())));
        assertThat(seen).containsExactlyElementsOf(made);
        assertThat(third.next()).isNull();
    }

    @Test
    void makesTheAdminsTokenOnce(@TempDir Path data) throws Exception {
        AdminToken token = AdminToken.at(data);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(token.file())))
                .isEqualTo("rw-------");
        Secret text = Secret.of(Files.readString(token.file()).strip());
        assertThat(token.matches(text)).isTrue();
        assertThat(AdminToken.at(data).matches(text)).isTrue();
        assertThat(token.matches(Secret.of(text.reveal() + " "))).isFalse();
        assertThat(token.matches(Secret.of(""))).isFalse();
        assertThat(token.toString()).doesNotContain(text.reveal());
    }
}
