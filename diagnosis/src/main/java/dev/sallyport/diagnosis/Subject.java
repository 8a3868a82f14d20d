package dev.sallyport.diagnosis;

/**
 * Whose coming up is judged.
 *
 * @param unit the agent's systemd unit
 * @param port the port that it must listen on, on all addresses
 */
public record Subject(String unit, int port) {
    /** Sallyport's own agent. */
    public static final Subject AGENT = new Subject("sallyport-agent.service", 8080);
}
