package dev.sallyport.vault;

import dev.sallyport.model.ProviderId;
import dev.sallyport.model.UserId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Where sealed entries and the sealed key set are kept. Every write is a compare-and-swap that is durable when it returns.
 */
public interface SealedStore {
    /**
     * One entry as it lies in the store.
     *
     * @param user whose credentials
     * @param provider of which tool
     * @param version rises by one with every change, deletions included
     * @param sealed the cipher text; of length 0 after a deletion
     * @param keyId names the key that sealed it; empty after a deletion
     * @param updatedAt when it was written; ignored by {@link #write}, which sets it
     */
    @SuppressWarnings("ArrayRecordComponent") // A row on its way, never compared.
    record SealedEntry(UserId user, ProviderId provider, long version, byte[] sealed, String keyId, Instant updatedAt) {
        /** True for what a deletion leaves behind. */
        public boolean isDeleted() {
            return sealed.length == 0;
        }

        @Override
        public String toString() {
            return "SealedEntry[user=" + user + ", provider=" + provider + ", version=" + version + ", keyId=" + keyId
                    + "]";
        }
    }

    /**
     * The sealed key set.
     *
     * @param version rises by one with every change
     * @param sealed the key set, sealed by the master key
     */
    @SuppressWarnings("ArrayRecordComponent") // A row on its way, never compared.
    record SealedKeyset(long version, byte[] sealed) {
        @Override
        public String toString() {
            return "SealedKeyset[version=" + version + "]";
        }
    }

    /** The entry, one left behind by a deletion included; empty when there never was any. */
    Optional<SealedEntry> find(UserId user, ProviderId provider);

    /**
     * Writes {@code entry}, whose version is one more than {@code expectedVersion}.
     *
     * @param expectedVersion the version that must be there now; 0 when there must be none
     * @return false, and nothing is changed, when another version is there
     */
    boolean write(SealedEntry entry, long expectedVersion);

    /**
     * Replaces the cipher text and key of an entry whose content and version stay.
     *
     * @return false, and nothing is changed, when the entry is no longer at that version or no longer sealed with {@code expectedKeyId}
     */
    boolean replaceSealed(SealedEntry entry, String expectedKeyId);

    /** At most {@code limit} entries, deleted ones excepted, that another key than {@code keyId} sealed. */
    List<SealedEntry> notSealedWith(String keyId, int limit);

    /** The key set; empty before the first start. */
    Optional<SealedKeyset> keyset();

    /**
     * Writes {@code keyset}, whose version is one more than {@code expectedVersion}; 0 when there must be none.
     *
     * @return false, and nothing is changed, when another version is there
     */
    boolean writeKeyset(SealedKeyset keyset, long expectedVersion);
}
