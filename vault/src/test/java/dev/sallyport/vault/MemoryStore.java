package dev.sallyport.vault;

import dev.sallyport.model.ProviderId;
import dev.sallyport.model.UserId;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A store that forgets everything when the test ends, and lets the test tamper with what it holds. */
final class MemoryStore implements SealedStore {
    final Map<String, SealedEntry> entries = new HashMap<>();

    @Nullable
    SealedKeyset keyset;
    /** Run once before the next write, to lose a race on purpose. */
    @Nullable
    Runnable beforeNextWrite;

    @Override
    public synchronized Optional<SealedEntry> find(UserId user, ProviderId provider) {
        return Optional.ofNullable(entries.get(key(user, provider)));
    }

    @Override
    public synchronized boolean write(SealedEntry entry, long expectedVersion) {
        interfere();
        long version =
                find(entry.user(), entry.provider()).map(SealedEntry::version).orElse(0L);
        if (version != expectedVersion) {
            return false;
        }
        put(entry);
        return true;
    }

    @Override
    public synchronized boolean replaceSealed(SealedEntry entry, String expectedKeyId) {
        interfere();
        SealedEntry there = entries.get(key(entry.user(), entry.provider()));
        if (there == null
                || there.version() != entry.version()
                || !there.keyId().equals(expectedKeyId)) {
            return false;
        }
        put(entry);
        return true;
    }

    @Override
    public synchronized List<SealedEntry> notSealedWith(String keyId, int limit) {
        return entries.values().stream()
                .filter(entry -> !entry.isDeleted() && !entry.keyId().equals(keyId))
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Optional<SealedKeyset> keyset() {
        return Optional.ofNullable(keyset);
    }

    @Override
    public synchronized boolean writeKeyset(SealedKeyset fresh, long expectedVersion) {
        interfere();
        if ((keyset == null ? 0 : keyset.version()) != expectedVersion) {
            return false;
        }
        keyset = fresh;
        return true;
    }

    synchronized void put(SealedEntry entry) {
        entries.put(
                key(entry.user(), entry.provider()),
                new SealedEntry(
                        entry.user(),
                        entry.provider(),
                        entry.version(),
                        entry.sealed().clone(),
                        entry.keyId(),
                        Instant.EPOCH));
    }

    private void interfere() {
        Runnable interference = beforeNextWrite;
        beforeNextWrite = null;
        if (interference != null) {
            interference.run();
        }
    }

    private static String key(UserId user, ProviderId provider) {
        return user + "|" + provider;
    }
}
