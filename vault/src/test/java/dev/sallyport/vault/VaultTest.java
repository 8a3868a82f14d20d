package dev.sallyport.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import dev.sallyport.vault.SealedStore.SealedEntry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VaultTest {
    private static final UserId USER = new UserId("ada@example.org");
    private static final UserId OTHER = new UserId("bob");
    private static final ProviderId CODEX = new ProviderId("codex");
    private static final ProviderId GEMINI = new ProviderId("gemini_cli");
    private static final String WORDS = "refresh-token-marker";

    private final MemoryStore store = new MemoryStore();
    private final Vault vault;
    private final MasterKey masterKey;

    VaultTest(@TempDir Path folder) {
        masterKey = MasterKey.load(folder.resolve("master-key"), null);
        vault = Vault.open(masterKey, store);
    }

    @Test
    void opensWhatItSealed() {
        byte[] binary = {0, -1, 10, 13, 127};
        long version = vault.seal(
                USER,
                CODEX,
                List.of(
                        new CredentialFile(".codex/auth.json", "0600", WORDS.getBytes(StandardCharsets.UTF_8)),
                        new CredentialFile(".codex/other", "0640", binary)),
                0);
        Opened opened = vault.open(USER, CODEX).orElseThrow();
        assertThat(version).isEqualTo(1).isEqualTo(opened.version());
        assertThat(opened.files()).hasSize(2);
        assertThat(opened.files().getFirst().path()).isEqualTo(".codex/auth.json");
        assertThat(opened.files().getFirst().mode()).isEqualTo("0600");
        assertThat(opened.files().getFirst().content()).asString().isEqualTo(WORDS);
        assertThat(opened.files().getLast().content()).isEqualTo(binary);
        assertThat(vault.open(OTHER, CODEX)).isEmpty();
        assertThat(vault.open(USER, GEMINI)).isEmpty();
    }

    @Test
    void keepsNothingInTheClear() {
        vault.seal(USER, CODEX, files(WORDS), 0);
        for (SealedEntry entry : store.entries.values()) {
            assertThat(new String(entry.sealed(), StandardCharsets.ISO_8859_1)).doesNotContain(WORDS, "auth.json");
        }
        assertThat(vault.sealSmall("purpose", Secret.of(WORDS)))
                .asString(StandardCharsets.ISO_8859_1)
                .doesNotContain(WORDS);
    }

    @Test
    void sealsTheSameDifferentlyEachTime() {
        assertThat(vault.sealSmall("p", Secret.of(WORDS))).isNotEqualTo(vault.sealSmall("p", Secret.of(WORDS)));
    }

    @Test
    void noticesEveryFlippedByte() {
        vault.seal(USER, CODEX, files(WORDS), 0);
        SealedEntry sound = entry();
        for (int i = 0; i < sound.sealed().length; i++) {
            byte[] bytes = sound.sealed().clone();
            bytes[i] ^= 1;
            store.put(with(sound, USER, CODEX, sound.version(), bytes));
            assertLocked(() -> vault.open(USER, CODEX));
        }
        for (int length : new int[] {1, 4, 5, 16, sound.sealed().length - 1}) {
            store.put(with(sound, USER, CODEX, sound.version(), Arrays.copyOf(sound.sealed(), length)));
            assertLocked(() -> vault.open(USER, CODEX));
        }
        store.put(sound);
        assertThat(vault.open(USER, CODEX)).isPresent();
    }

    @Test
    void doesNotOpenWhatWasMovedOrRolledBack() {
        vault.seal(USER, CODEX, files(WORDS), 0);
        SealedEntry first = entry();
        vault.seal(USER, CODEX, files("newer"), 1);
        store.put(with(first, OTHER, CODEX, 1, first.sealed()));
        assertLocked(() -> vault.open(OTHER, CODEX));
        store.put(with(first, USER, GEMINI, 1, first.sealed()));
        assertLocked(() -> vault.open(USER, GEMINI));
        store.put(with(first, USER, CODEX, 2, first.sealed()));
        assertLocked(() -> vault.open(USER, CODEX));
    }

    @Test
    void bindsSmallSecretsToTheirPurpose() {
        byte[] sealed = vault.sealSmall("agent-token|m-aaaaaaaaaaaa", Secret.of(WORDS));
        assertThat(vault.openSmall("agent-token|m-aaaaaaaaaaaa", sealed)).isEqualTo(Secret.of(WORDS));
        assertLocked(() -> vault.openSmall("agent-token|m-bbbbbbbbbbbb", sealed));
        vault.seal(USER, CODEX, files(WORDS), 0);
        assertLocked(() -> vault.openSmall("credentials|" + USER + "|codex|1", entry().sealed()));
    }

    @Test
    void comparesBeforeItSwaps() {
        vault.seal(USER, CODEX, files("one"), 0);
        assertThatThrownBy(() -> vault.seal(USER, CODEX, files("two"), 0))
                .isInstanceOfSatisfying(VersionConflictException.class, conflict -> {
                    assertThat(conflict.expected()).isZero();
                    assertThat(conflict.actual()).isEqualTo(1);
                });
        store.beforeNextWrite = () -> vault.seal(USER, CODEX, files("faster"), 1);
        assertThatThrownBy(() -> vault.seal(USER, CODEX, files("slower"), 1))
                .isInstanceOf(VersionConflictException.class);
        assertThat(words(vault.open(USER, CODEX).orElseThrow())).isEqualTo("faster");
        assertThatThrownBy(() -> vault.delete(USER, CODEX, 1)).isInstanceOf(VersionConflictException.class);
        assertThat(vault.delete(USER, CODEX, 2)).isEqualTo(3);
        assertThat(vault.open(USER, CODEX)).isEmpty();
        assertThat(vault.version(USER, CODEX)).isEqualTo(3);
    }

    @Test
    void opensTheOldAfterARotationAndSealsWithTheNew() {
        vault.seal(USER, CODEX, files("old"), 0);
        byte[] small = vault.sealSmall("p", Secret.of(WORDS));
        String old = vault.primaryKeyId();
        String fresh = vault.rotate();
        assertThat(fresh).isNotEqualTo(old).isEqualTo(vault.primaryKeyId());
        assertThat(words(vault.open(USER, CODEX).orElseThrow())).isEqualTo("old");
        assertThat(vault.openSmall("p", small)).isEqualTo(Secret.of(WORDS));
        vault.seal(OTHER, CODEX, files("new"), 0);
        assertThat(store.find(OTHER, CODEX).orElseThrow().keyId()).isEqualTo(fresh);
        assertThat(entry().keyId()).isEqualTo(old);
        assertThat(Vault.open(masterKey, store).primaryKeyId()).isEqualTo(fresh);
    }

    @Test
    void resealsWhatOlderKeysSealed() {
        for (int i = 0; i < 250; i++) {
            vault.seal(new UserId("user" + i), CODEX, files("of " + i), 0);
        }
        vault.delete(new UserId("user7"), CODEX, 1);
        String fresh = vault.rotate();
        assertThat(vault.reseal()).isEqualTo(new Vault.Resealed(249, List.of()));
        assertThat(vault.reseal()).isEqualTo(new Vault.Resealed(0, List.of()));
        assertThat(store.notSealedWith(fresh, 1)).isEmpty();
        for (int i = 0; i < 250; i++) {
            if (i != 7) {
                Opened opened = vault.open(new UserId("user" + i), CODEX).orElseThrow();
                assertThat(opened.version()).as("a reseal is no change").isEqualTo(1);
                assertThat(words(opened)).isEqualTo("of " + i);
            }
        }
    }

    @Test
    void resealsTheOthersWhenOneDoesNotOpen() {
        vault.seal(OTHER, CODEX, files("sound"), 0);
        vault.seal(USER, CODEX, files("broken"), 0);
        byte[] broken = entry().sealed().clone();
        broken[9] ^= 1;
        store.put(with(entry(), USER, CODEX, 1, broken));
        String fresh = vault.rotate();
        Vault.Resealed resealed = vault.reseal();
        assertThat(resealed.count()).isEqualTo(1);
        assertThat(resealed.failures()).singleElement().satisfies(cause -> {
            assertThat(cause.code()).isEqualTo(CauseCode.VAULT_LOCKED);
            assertThat(cause.detail()).contains(USER.value());
        });
        assertThat(store.find(OTHER, CODEX).orElseThrow().keyId()).isEqualTo(fresh);
        assertThat(entry().sealed()).isEqualTo(broken);
    }

    @Test
    void leavesWhatChangesMeanwhileToItsWriter() {
        vault.seal(USER, CODEX, files("old"), 0);
        String fresh = vault.rotate();
        store.beforeNextWrite = () -> vault.seal(USER, CODEX, files("newer"), 1);
        assertThat(vault.reseal()).isEqualTo(new Vault.Resealed(0, List.of()));
        assertThat(words(vault.open(USER, CODEX).orElseThrow())).isEqualTo("newer");
        assertThat(entry().keyId()).isEqualTo(fresh);
    }

    @Test
    void sharesAStoreWithAnotherController() {
        var other = Vault.open(masterKey, store);
        other.rotate();
        other.seal(USER, CODEX, files("theirs"), 0);
        assertThat(words(vault.open(USER, CODEX).orElseThrow())).isEqualTo("theirs");
        assertThat(vault.primaryKeyId()).isEqualTo(other.primaryKeyId());
        // Both rotate at once: one key is added, and both name it.
        store.beforeNextWrite = other::rotate;
        assertThat(vault.rotate()).isEqualTo(other.primaryKeyId());
    }

    @Test
    void agreesOnOneKeySetWhenTwoBegin() {
        var empty = new MemoryStore();
        List<Vault> first = new ArrayList<>();
        empty.beforeNextWrite = () -> first.add(Vault.open(masterKey, empty));
        var second = Vault.open(masterKey, empty);
        assertThat(second.primaryKeyId()).isEqualTo(first.getFirst().primaryKeyId());
    }

    @Test
    void refusesAnotherMasterKey(@TempDir Path folder) {
        MasterKey wrong = MasterKey.load(folder.resolve("other-key"), null);
        assertThatThrownBy(() -> Vault.open(wrong, store)).isInstanceOfSatisfying(FailureException.class, locked -> {
            assertThat(locked.reason().code()).isEqualTo(CauseCode.VAULT_LOCKED);
            assertThat(locked.reason().detail()).contains("other-key", "is not the one");
        });
    }

    @Test
    void boundsWhatItTakes() {
        assertThatThrownBy(() -> vault.seal(USER, CODEX, files("x".repeat(Bundle.MOST_BYTES + 1)), 0))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        tooLarge -> assertThat(tooLarge.reason().code()).isEqualTo(CauseCode.BODY_TOO_LARGE));
        var many = Collections.nCopies(Bundle.MOST_FILES + 1, files("x").getFirst());
        assertThatThrownBy(() -> vault.seal(USER, CODEX, many, 0)).isInstanceOf(FailureException.class);
        assertThatThrownBy(() -> vault.seal(USER, CODEX, List.of(), 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysNothingOfWhatItKeeps() {
        vault.seal(USER, CODEX, files(WORDS), 0);
        Opened opened = vault.open(USER, CODEX).orElseThrow();
        assertThat(opened.toString()).contains("auth.json").doesNotContain(WORDS);
        assertThat(List.of(opened.files().getFirst(), entry(), masterKey).toString())
                .doesNotContain(WORDS);
        byte[] broken = entry().sealed().clone();
        broken[20] ^= 1;
        store.put(with(entry(), USER, CODEX, 1, broken));
        try {
            vault.open(USER, CODEX);
        } catch (FailureException e) {
            var trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            assertThat(trace.toString()).contains("VAULT_LOCKED").doesNotContain(WORDS);
            return;
        }
        throw new AssertionError("a tampered entry opened");
    }

    private SealedEntry entry() {
        return store.find(USER, CODEX).orElseThrow();
    }

    private static SealedEntry with(SealedEntry entry, UserId user, ProviderId provider, long version, byte[] sealed) {
        return new SealedEntry(user, provider, version, sealed, entry.keyId(), Instant.EPOCH);
    }

    private static void assertLocked(ThrowingCallable opening) {
        assertThatThrownBy(opening)
                .isInstanceOfSatisfying(
                        FailureException.class,
                        locked -> assertThat(locked.reason().code()).isEqualTo(CauseCode.VAULT_LOCKED));
    }

    private static String words(Opened opened) {
        return new String(opened.files().getFirst().content(), StandardCharsets.UTF_8);
    }

    private static List<CredentialFile> files(String content) {
        return List.of(new CredentialFile(".codex/auth.json", "0600", content.getBytes(StandardCharsets.UTF_8)));
    }
}
