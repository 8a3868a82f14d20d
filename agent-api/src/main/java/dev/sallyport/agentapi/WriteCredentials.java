package dev.sallyport.agentapi;

import dev.sallyport.provider.Provider;

/**
 * Writes credentials to a CLI machine.
 *
 * @param provider whose; its hand-over seed files are written too
 * @param credentials the files
 */
public record WriteCredentials(Provider provider, CredentialSet credentials) {}
