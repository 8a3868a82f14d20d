package dev.sallyport.agentapi;

/** @param sessionId the session whose credentials are taken, once */
public record TakeCredentials(String sessionId) {}
