package dev.sallyport.agentapi;

import java.util.List;

/**
 * What is there of a sign-in's credential files, without their content.
 *
 * @param sessionId the session
 * @param complete true when the tool succeeded and every file that must be there is whole
 * @param files each file of the provider
 */
public record CredentialStatus(String sessionId, boolean complete, List<File> files) {
    /**
     * @param path relative to the home
     * @param present whether it exists
     * @param mode octal; empty when it is absent
     * @param size bytes
     * @param missingFields required fields that it lacks
     */
    public record File(String path, boolean present, String mode, long size, List<String> missingFields) {}
}
