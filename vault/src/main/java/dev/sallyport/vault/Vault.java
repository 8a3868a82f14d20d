package dev.sallyport.vault;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.TinkProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig2026;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import dev.sallyport.vault.SealedStore.SealedEntry;
import dev.sallyport.vault.SealedStore.SealedKeyset;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps credentials sealed with AES-256-GCM. Each entry's associated data binds it to its user, provider and version, so that a
 * row that was moved or rolled back does not open. Keys are rotated by adding one; the old ones go on opening what they sealed
 * until {@link #reseal} has gone over it. Safe for use by many threads, and by several controllers on one store.
 */
public final class Vault {
    private static final byte[] KEYSET_BINDING = "sallyport|keyset|1".getBytes(StandardCharsets.UTF_8);
    private static final int RESEAL_BATCH = 100;

    /** The key set as it was last read; replaced as a whole. */
    private record Keys(long version, KeysetHandle handle, Aead aead) {
        String primaryId() {
            return Integer.toUnsignedString(handle.getPrimary().getId());
        }
    }

    private final MasterKey masterKey;
    private final SealedStore store;
    private volatile Keys keys;

    private Vault(MasterKey masterKey, SealedStore store, Keys keys) {
        this.masterKey = masterKey;
        this.store = store;
        this.keys = keys;
    }

    /**
     * Opens the vault, making its key set at the first start.
     *
     * @throws FailureException {@link CauseCode#VAULT_LOCKED} when the master key is not the one that the key set was sealed with
     */
    public static Vault open(MasterKey masterKey, SealedStore store) {
        Optional<SealedKeyset> there = store.keyset();
        if (there.isEmpty()) {
            KeysetHandle fresh = generate();
            store.writeKeyset(new SealedKeyset(1, sealKeyset(masterKey, fresh)), 0);
            // Another controller may have been first: what lies in the store is the key set, whoever wrote it.
            there = store.keyset();
        }
        SealedKeyset keyset = there.orElseThrow(
                () -> FailureException.of(CauseCode.VAULT_LOCKED, "the key set that was just written is not there."));
        return new Vault(masterKey, store, read(masterKey, keyset));
    }

    /**
     * Seals {@code files} as the next version.
     *
     * @param expectedVersion the version that this replaces, as {@link #version} or {@link #open} told it; 0 for none
     * @return the new version
     * @throws VersionConflictException when another version is there by now; nothing was changed
     * @throws FailureException {@link CauseCode#BODY_TOO_LARGE} when the files are more than the vault takes
     */
    public long seal(UserId user, ProviderId provider, List<CredentialFile> files, long expectedVersion) {
        if (files.isEmpty()) {
            throw new IllegalArgumentException("no files: delete the entry instead");
        }
        long version = Math.addExact(expectedVersion, 1);
        byte[] plain = Bundle.write(files);
        try {
            Keys current = keys;
            byte[] sealed = encrypt(current, plain, binding(user, provider, version));
            write(
                    new SealedEntry(user, provider, version, sealed, current.primaryId(), Instant.EPOCH),
                    expectedVersion);
            return version;
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    /** The current version; 0 when there never was any. A deletion is a version too. */
    public long version(UserId user, ProviderId provider) {
        return store.find(user, provider).map(SealedEntry::version).orElse(0L);
    }

    /**
     * Takes the credentials out.
     *
     * @return empty when there are none, or they were deleted
     * @throws FailureException {@link CauseCode#VAULT_LOCKED} when the entry does not open: it was tampered with, moved or rolled back
     */
    public Optional<Opened> open(UserId user, ProviderId provider) {
        return store.find(user, provider).filter(entry -> !entry.isDeleted()).map(entry -> {
            byte[] plain = decrypt(entry);
            try {
                return new Opened(entry.version(), entry.updatedAt(), Bundle.read(plain));
            } finally {
                Arrays.fill(plain, (byte) 0);
            }
        });
    }

    /**
     * Deletes the credentials. The version goes on rising, so that a late writer that has seen the old ones loses.
     *
     * @return the new version
     * @throws VersionConflictException when another version is there by now; nothing was changed
     */
    public long delete(UserId user, ProviderId provider, long expectedVersion) {
        long version = Math.addExact(expectedVersion, 1);
        write(new SealedEntry(user, provider, version, new byte[0], "", Instant.EPOCH), expectedVersion);
        return version;
    }

    /**
     * Seals a short secret that somebody else keeps.
     *
     * @param purpose binds it: what it is of, such as {@code agent-token|m-…}; the same must be given to open it
     */
    public byte[] sealSmall(String purpose, Secret secret) {
        byte[] plain = secret.reveal().getBytes(StandardCharsets.UTF_8);
        try {
            return encrypt(keys, plain, smallBinding(purpose));
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    /**
     * Opens what {@link #sealSmall} sealed.
     *
     * @throws FailureException {@link CauseCode#VAULT_LOCKED} when it does not open, or was sealed for another purpose
     */
    public Secret openSmall(String purpose, byte[] sealed) {
        byte[] plain = decrypt(sealed, smallBinding(purpose), "the sealed secret");
        try {
            return Secret.of(new String(plain, StandardCharsets.UTF_8));
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    /** The id of the key that seals now. */
    public String primaryKeyId() {
        return keys.primaryId();
    }

    /**
     * Adds a key, which seals from now on; what older keys sealed still opens.
     *
     * @return the new key's id; when another controller rotated at the same instant, that one's
     */
    public String rotate() {
        Keys current = reload();
        try {
            KeysetHandle next = KeysetHandle.newBuilder(current.handle())
                    .setConfiguration(AeadConfig2026.get())
                    .addEntry(KeysetHandle.generateEntryFromParameters(PredefinedAeadParameters.AES256_GCM)
                            .withRandomId()
                            .makePrimary())
                    .build();
            store.writeKeyset(new SealedKeyset(current.version() + 1, sealKeyset(masterKey, next)), current.version());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a key can always be added to a key set", e);
        }
        return reload().primaryId();
    }

    /**
     * What {@link #reseal} came to.
     *
     * @param count how many entries were sealed anew
     * @param failures one for each entry that does not open; it stays as it is
     */
    public record Resealed(int count, List<Cause> failures) {
        public Resealed {
            failures = List.copyOf(failures);
        }
    }

    /**
     * Seals with the present key whatever an older one sealed. Versions stay; entries that are changed meanwhile are left to
     * their writers, who use the present key too.
     */
    public Resealed reseal() {
        Keys current = reload();
        List<Cause> failures = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        int count = 0;
        while (true) {
            // What was seen and is still there is asked for again, and left out here: the limit leaves room for it.
            List<SealedEntry> batch = store.notSealedWith(current.primaryId(), RESEAL_BATCH + seen.size()).stream()
                    .filter(entry -> seen.add(entry.user() + "|" + entry.provider()))
                    .toList();
            if (batch.isEmpty()) {
                return new Resealed(count, failures);
            }
            for (SealedEntry entry : batch) {
                try {
                    if (reseal(entry, current)) {
                        count++;
                    }
                } catch (FailureException e) {
                    failures.add(e.reason());
                }
            }
        }
    }

    private boolean reseal(SealedEntry entry, Keys current) {
        byte[] plain = decrypt(entry);
        try {
            byte[] sealed = encrypt(current, plain, binding(entry.user(), entry.provider(), entry.version()));
            var fresh = new SealedEntry(
                    entry.user(), entry.provider(), entry.version(), sealed, current.primaryId(), entry.updatedAt());
            return store.replaceSealed(fresh, entry.keyId());
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    private void write(SealedEntry entry, long expectedVersion) {
        if (!store.write(entry, expectedVersion)) {
            throw new VersionConflictException(expectedVersion, version(entry.user(), entry.provider()));
        }
    }

    private byte[] decrypt(SealedEntry entry) {
        return decrypt(
                entry.sealed(),
                binding(entry.user(), entry.provider(), entry.version()),
                "the entry of " + entry.user() + " for " + entry.provider());
    }

    private byte[] decrypt(byte[] sealed, byte[] binding, String what) {
        Keys before = keys;
        try {
            return before.aead().decrypt(sealed, binding);
        } catch (GeneralSecurityException first) {
            // Another controller may have rotated since: read the key set again before this is called tampering.
            Keys now = reload();
            if (now.version() != before.version()) {
                try {
                    return now.aead().decrypt(sealed, binding);
                } catch (GeneralSecurityException second) {
                    first.addSuppressed(second);
                }
            }
            throw new FailureException(
                    Cause.of(
                            CauseCode.VAULT_LOCKED,
                            what + " does not open: it was changed, moved or rolled back, or its key is gone."),
                    first);
        }
    }

    private Keys reload() {
        SealedKeyset keyset = store.keyset()
                .orElseThrow(() -> FailureException.of(CauseCode.VAULT_LOCKED, "the key set is no longer there."));
        Keys current = keys;
        if (keyset.version() > current.version()) {
            current = read(masterKey, keyset);
            keys = current;
        }
        return current;
    }

    private static byte[] encrypt(Keys keys, byte[] plain, byte[] binding) {
        try {
            return keys.aead().encrypt(plain, binding);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refused to seal", e);
        }
    }

    private static KeysetHandle generate() {
        try {
            return KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, AeadConfig2026.get());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM is part of every Java platform", e);
        }
    }

    private static byte[] sealKeyset(MasterKey masterKey, KeysetHandle handle) {
        try {
            return TinkProtoKeysetFormat.serializeEncryptedKeyset(
                    handle, masterKey.aead(), KEYSET_BINDING, AeadConfig2026.get());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refused to seal", e);
        }
    }

    private static Keys read(MasterKey masterKey, SealedKeyset keyset) {
        try {
            KeysetHandle handle = TinkProtoKeysetFormat.parseEncryptedKeyset(
                    keyset.sealed(), masterKey.aead(), KEYSET_BINDING, AeadConfig2026.get());
            return new Keys(keyset.version(), handle, handle.getPrimitive(AeadConfig2026.get(), Aead.class));
        } catch (GeneralSecurityException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.VAULT_LOCKED,
                            "the master key of " + masterKey.origin()
                                    + " is not the one that this vault was made with."),
                    e);
        }
    }

    /** Ids hold no {@code |}, so that no two entries have the same binding. */
    private static byte[] binding(UserId user, ProviderId provider, long version) {
        return ("sallyport|credentials|" + user + "|" + provider + "|" + version).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] smallBinding(String purpose) {
        return ("sallyport|small|" + purpose).getBytes(StandardCharsets.UTF_8);
    }
}
