package dev.sallyport.agentapi;

import dev.sallyport.provider.Provider;

/**
 * Starts a sign-in.
 *
 * @param sessionId the session
 * @param provider what to run and how
 */
public record StartSignIn(String sessionId, Provider provider) {}
