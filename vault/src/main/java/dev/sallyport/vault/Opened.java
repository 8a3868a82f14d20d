package dev.sallyport.vault;

import java.time.Instant;
import java.util.List;

/**
 * Credentials taken out of the vault.
 *
 * @param version rises by one with every change; what the next change is compared with
 * @param updatedAt when this version was sealed
 * @param files the files
 */
public record Opened(long version, Instant updatedAt, List<CredentialFile> files) {
    public Opened {
        files = List.copyOf(files);
    }
}
