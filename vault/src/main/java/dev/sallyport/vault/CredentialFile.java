package dev.sallyport.vault;

/**
 * One credential file as the vault keeps it. Its textual form leaves the content out.
 *
 * @param path relative to the home
 * @param mode octal, such as {@code 0600}
 * @param content the bytes
 */
@SuppressWarnings("ArrayRecordComponent") // Carried once into or out of the vault, never compared.
public record CredentialFile(String path, String mode, byte[] content) {
    @Override
    public String toString() {
        return "CredentialFile[path=" + path + ", mode=" + mode + ", content=***]";
    }
}
