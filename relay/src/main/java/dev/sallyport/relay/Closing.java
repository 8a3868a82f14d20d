package dev.sallyport.relay;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;

/**
 * How a relay ends: the one place where endings become WebSocket close codes (RFC 6455, section 7.4). Codes from 4000 on are
 * ours: 4000 and the HTTP status that the same thing has in the API.
 */
public enum Closing {
    /** The viewer left. */
    VIEWER_LEFT(1000, "You left."),
    /** The machine's end of the screen was closed in an orderly way. */
    SCREEN_ENDED(4410, "The machine's screen ended."),
    /** The controller stops. */
    SHUTTING_DOWN(1001, "The server is shutting down."),
    /** The viewer sent text; a screen takes bytes. */
    NOT_BINARY(1003, "A screen takes binary messages only."),
    /** The viewer sent a longer message than may be sent. */
    TOO_LARGE(1009, "That message is too long."),
    /** The viewer stopped reading, or answering pings. */
    VIEWER_STALLED(4408, "The page stopped taking the screen."),
    /** As many viewers as a session may have. */
    TOO_MANY_VIEWERS(4429, "This screen has too many viewers."),
    /** The ticket was refused. */
    TICKET_INVALID(4403, "The ticket is not valid."),
    /** There is no such session, or no longer. */
    NOT_FOUND(4404, "There is no such screen."),
    /** The session has no screen in its state. */
    NO_SCREEN(4409, "There is no screen in this state."),
    /** The machine ended. */
    MACHINE_ENDED(4500, "The machine ended."),
    /** The machine cannot be reached, or no more. */
    MACHINE_UNREACHABLE(4502, "The machine cannot be reached."),
    /** The machine did not answer in time. */
    MACHINE_SILENT(4504, "The machine did not answer in time."),
    /** A failure of any other kind. */
    FAILED(1011, "The screen failed.");

    /** Most bytes of a reason: a control frame's 125 less the code's two (RFC 6455, section 5.5). */
    private static final int MAX_REASON = 123;

    private final int code;
    private final String sentence;

    Closing(int code, String sentence) {
        this.code = code;
        this.sentence = sentence;
    }

    /** The close code. */
    public int code() {
        return code;
    }

    /** What the viewer is told when there is no cause to tell. */
    public String reason() {
        return fit(name() + ": " + sentence);
    }

    /** What the viewer is told: the cause's code and sentence, never its evidence. */
    public static String reason(Cause cause) {
        return fit(cause.code() + ": " + cause.code().sentence());
    }

    /** How a relay ends for {@code cause}. */
    public static Closing of(CauseCode cause) {
        return switch (cause) {
            case TICKET_INVALID, UNAUTHENTICATED, FORBIDDEN -> TICKET_INVALID;
            case NOT_FOUND -> NOT_FOUND;
            case CONFLICT -> NO_SCREEN;
            case MACHINE_UNREACHABLE, AGENT_WRONG, AGENT_FAILED, AGENT_MISSING -> MACHINE_UNREACHABLE;
            case AGENT_SILENT -> MACHINE_SILENT;
            case MACHINE_ENDED, KERNEL_PANIC, OUT_OF_MEMORY, HYPERVISOR_FAILED -> MACHINE_ENDED;
            default -> FAILED;
        };
    }

    /** Cuts at a character's border, so that the reason stays UTF-8. */
    private static String fit(String reason) {
        var bytes = ByteBuffer.allocate(MAX_REASON);
        var characters = CharBuffer.wrap(reason);
        StandardCharsets.UTF_8.newEncoder().encode(characters, bytes, true);
        return reason.substring(0, characters.position());
    }
}
