package dev.sallyport.agentapi;

import java.util.List;

/**
 * The credential files of one provider with their content. Its textual form leaves the content out.
 *
 * @param provider the provider's id
 * @param files the files
 */
public record CredentialSet(String provider, List<File> files) {
    /**
     * @param path relative to the home
     * @param mode octal
     * @param content the bytes; base64 in JSON
     */
    @SuppressWarnings("ArrayRecordComponent") // Carried once from machine to vault, never compared.
    public record File(String path, String mode, byte[] content) {
        @Override
        public String toString() {
            return "File[path=" + path + ", mode=" + mode + ", content=***]";
        }
    }
}
