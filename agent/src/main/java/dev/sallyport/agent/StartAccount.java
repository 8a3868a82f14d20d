package dev.sallyport.agent;

import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The agent's own account of its start: one line a phase, with the time since its process began, and one line with the cause's code
 * when it fails. Whoever started the machine reads them on its console.
 */
public final class StartAccount {
    /** How the C library puts ENOSPC and EDQUOT into words. */
    private static final String NO_SPACE = "No space left on device";

    private static final String QUOTA = "Disk quota exceeded";

    /** Exceptions may be their own causes in a circle. */
    private static final int DEEPEST = 10;

    private final Log log;
    private final @Nullable Instant began;

    /** An account of this process. */
    public StartAccount(Log log) {
        this.log = log;
        began = ProcessHandle.current().info().startInstant().orElse(null);
    }

    /** Tells that the start has come so far. */
    public void phase(String text) {
        log.line("start: " + text + after());
    }

    /** Tells why the start has failed, without a stack trace. */
    public void failed(Throwable thrown) {
        log.line("start: failed: " + code(thrown) + " " + reason(thrown) + after());
    }

    private String after() {
        // The machine's clock may be set meanwhile.
        return began == null
                ? ""
                : ", " + Math.max(0, Duration.between(began, Instant.now()).toMillis()) + " ms after the process began";
    }

    /** The cause that a failure of the start is. */
    static CauseCode code(Throwable thrown) {
        if (find(thrown, OutOfMemoryError.class) != null) {
            return CauseCode.OUT_OF_MEMORY;
        }
        if (find(thrown, BindException.class) != null) {
            return isTaken(thrown) ? CauseCode.AGENT_PORT_TAKEN : CauseCode.AGENT_WRONG_ADDRESS;
        }
        return lacksSpace(thrown) ? CauseCode.WRITABLE_DISK_FULL : CauseCode.AGENT_FAILED;
    }

    /** One sentence: what failed, where, and what the system said of it. */
    static String reason(Throwable thrown) {
        OutOfMemoryError memory = find(thrown, OutOfMemoryError.class);
        if (memory != null) {
            return "out of memory: " + memory.getMessage();
        }
        if (thrown instanceof FileSystemException file) {
            return switch (file) {
                case NoSuchFileException missing -> missing.getFile() + " is not there";
                case AccessDeniedException denied -> denied.getFile() + " may not be read or written";
                default -> file.getFile() + ": " + file.getReason();
            };
        }
        if (thrown instanceof IOException || thrown instanceof IllegalArgumentException) {
            return String.valueOf(thrown.getMessage());
        }
        return thrown.getClass().getSimpleName() + ": " + thrown.getMessage();
    }

    /** Whether a file system had no room. */
    static boolean lacksSpace(Throwable thrown) {
        Throwable at = thrown;
        for (int depth = 0; at != null && depth < DEEPEST; depth++) {
            String text = String.valueOf(at.getMessage());
            if (text.contains(NO_SPACE) || text.contains(QUOTA)) {
                return true;
            }
            at = at.getCause();
        }
        return false;
    }

    private static boolean isTaken(Throwable thrown) {
        BindException bind = find(thrown, BindException.class);
        return bind != null
                && String.valueOf(bind.getMessage()).toLowerCase(Locale.ROOT).contains("in use");
    }

    private static <T extends Throwable> @Nullable T find(Throwable thrown, Class<T> kind) {
        Throwable at = thrown;
        for (int depth = 0; at != null && depth < DEEPEST; depth++) {
            if (kind.isInstance(at)) {
                return kind.cast(at);
            }
            at = at.getCause();
        }
        return null;
    }
}
