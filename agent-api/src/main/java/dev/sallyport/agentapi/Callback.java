package dev.sallyport.agentapi;

/**
 * What the user's own browser ended on, to be replayed to the tool.
 *
 * @param sessionId the session
 * @param addressOrCode the whole callback address, or the code where the tool takes one
 */
public record Callback(String sessionId, String addressOrCode) {}
