package dev.sallyport.agentapi;

import org.jspecify.annotations.Nullable;

/**
 * @param sessionId the session
 * @param url the authorization URL; null while the tool has not asked for a browser
 */
public record OauthUrl(String sessionId, @Nullable String url) {}
