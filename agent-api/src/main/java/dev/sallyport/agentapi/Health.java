package dev.sallyport.agentapi;

/**
 * The answer of {@code GET /health}.
 *
 * @param status {@code ok}, or {@code starting} while a part that the machine's kind needs (its desktop) is not up yet; {@value #TEMPLATE}
 *     while it is a template, or begins from one and has no identity yet
 * @param timestamp the machine's clock, ISO 8601
 * @param activeSessions sign-ins under way
 * @param version the agent's version
 * @param machineId whose agent it is, from the machine's facts
 * @param parts the state of each part by name: {@code desktop}, {@code chromium}: {@code starting}, {@code ok}, {@code failed: REASON}
 */
public record Health(
        String status,
        String timestamp,
        int activeSessions,
        String version,
        String machineId,
        java.util.Map<String, String> parts) {
    /** The status of a machine without an identity of its own. */
    public static final String TEMPLATE = "template";
}
