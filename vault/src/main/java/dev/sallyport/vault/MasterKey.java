package dev.sallyport.vault;

import com.google.crypto.tink.AccessesPartialKey;
import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.aead.AeadConfig2026;
import com.google.crypto.tink.aead.AesGcmKey;
import com.google.crypto.tink.aead.AesGcmParameters;
import com.google.crypto.tink.util.SecretBytes;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** The key that seals the vault's key set: 32 bytes, from the environment or a file that only its owner may read. */
public final class MasterKey {
    private static final int BYTES = 32;

    private final Aead aead;
    private final String origin;

    private MasterKey(Aead aead, String origin) {
        this.aead = aead;
        this.origin = origin;
    }

    /**
     * Takes the key from the environment when it is given there, else from {@code file}, which is made at the first start.
     *
     * @param file one line of base64 (RFC 4648, either alphabet) of 32 bytes, mode 0600
     * @param fromEnvironment the value of {@code SALLYPORT_MASTER_KEY}, in the same form; null or blank when unset
     * @throws FailureException {@link CauseCode#VAULT_LOCKED} when the key is not of that form; {@link CauseCode#SECRET_FILE_UNSAFE} when
     *     others could read the file
     */
    public static MasterKey load(Path file, @Nullable String fromEnvironment) {
        if (fromEnvironment != null && !fromEnvironment.isBlank()) {
            return of(Secret.of(fromEnvironment.strip()), "SALLYPORT_MASTER_KEY");
        }
        return of(SecretFile.readOrCreate(file, () -> Secret.random(BYTES)), file.toString());
    }

    @AccessesPartialKey // The key is given from outside; Tink makes no such keys itself.
    private static MasterKey of(Secret text, String origin) {
        byte[] raw = bytes(text, origin);
        try {
            AesGcmParameters parameters = AesGcmParameters.builder()
                    .setKeySizeBytes(BYTES)
                    .setIvSizeBytes(12)
                    .setTagSizeBytes(16)
                    .setVariant(AesGcmParameters.Variant.NO_PREFIX)
                    .build();
            AesGcmKey key = AesGcmKey.builder()
                    .setParameters(parameters)
                    .setKeyBytes(SecretBytes.copyFrom(raw, InsecureSecretKeyAccess.get()))
                    .build();
            Aead aead = KeysetHandle.newBuilder()
                    .setConfiguration(AeadConfig2026.get())
                    .addEntry(KeysetHandle.importKey(key).withFixedId(1).makePrimary())
                    .build()
                    .getPrimitive(AeadConfig2026.get(), Aead.class);
            return new MasterKey(aead, origin);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM is part of every Java platform", e);
        } finally {
            Arrays.fill(raw, (byte) 0);
        }
    }

    private static byte[] bytes(Secret text, String origin) {
        byte[] raw;
        try {
            raw = Base64.getUrlDecoder()
                    .decode(text.reveal().replace('+', '-').replace('/', '_').replace("=", ""));
        } catch (IllegalArgumentException e) {
            // Its message would quote the key.
            raw = new byte[0];
        }
        if (raw.length != BYTES) {
            Arrays.fill(raw, (byte) 0);
            throw FailureException.of(
                    CauseCode.VAULT_LOCKED,
                    "the master key of " + origin
                            + " is not 32 bytes as base64 (such as 'openssl rand -base64 32' makes).");
        }
        return raw;
    }

    /** Seals and opens the key set. */
    Aead aead() {
        return aead;
    }

    /** Where the key came from: a file's name or the variable's. */
    public String origin() {
        return origin;
    }

    /** Where the key came from, and nothing of it. */
    @Override
    public String toString() {
        return "MasterKey[" + origin + "]";
    }
}
