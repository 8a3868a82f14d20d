package dev.sallyport.agentapi;

/** @param sessionId the session whose credentials are taken; again and again, until they are released */
public record TakeCredentials(String sessionId) {}
