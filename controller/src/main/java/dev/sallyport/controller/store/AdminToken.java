package dev.sallyport.controller.store;

import dev.sallyport.model.Secret;
import dev.sallyport.vault.SecretFile;
import java.nio.file.Path;

/** The admin's token: a file in the data folder that only its owner may read, made at the first start. Never logged. */
public final class AdminToken {
    private static final int BYTES = 32;

    private final Path file;
    private final Secret token;

    private AdminToken(Path file, Secret token) {
        this.file = file;
        this.token = token;
    }

    /**
     * Reads {@code admin-token} in the data folder, making it first when it is not there.
     *
     * @throws dev.sallyport.model.FailureException when others than its owner could read it, or it cannot be written
     */
    public static AdminToken at(Path data) {
        Path file = data.resolve("admin-token");
        return new AdminToken(
                file,
                SecretFile.readOrCreate(
                        file, () -> Secret.of("sp_admin_" + Secret.random(BYTES).reveal())));
    }

    /** True when {@code presented} is the token; compared in constant time. */
    public boolean matches(Secret presented) {
        return token.equals(presented);
    }

    /** Where the token is, for those who may read it. */
    public Path file() {
        return file;
    }

    /** Where it is, and nothing of it. */
    @Override
    public String toString() {
        return "AdminToken[" + file + "]";
    }
}
