package dev.sallyport.agentapi;

/** @param sessionId the session whose credentials were taken and are safe, so that its machine removes them */
public record ReleaseCredentials(String sessionId) {}
