package dev.sallyport.agentapi;

/**
 * What a tool said about being signed in.
 *
 * @param signedIn the verdict by the provider's rules
 * @param exitCode of the tool's status command; 0 where it has none
 * @param output what it printed, bounded; or which fields the files hold where it has no command
 */
public record ToolStatus(boolean signedIn, int exitCode, String output) {}
