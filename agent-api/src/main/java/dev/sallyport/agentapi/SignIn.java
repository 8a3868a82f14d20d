package dev.sallyport.agentapi;

import dev.sallyport.model.Cause;
import org.jspecify.annotations.Nullable;

/**
 * A sign-in as its agent sees it.
 *
 * @param sessionId the session
 * @param version rises with every change
 * @param state where it stands
 * @param url the authorization URL, once the tool asked for a browser
 * @param urlSource how it was captured: {@code BROWSER_VARIABLE}, {@code XDG_OPEN} or {@code OUTPUT}
 * @param exitCode what the tool exited with
 * @param cause why it failed
 * @param pageCause why the machine's browser cannot load its page; null when it can, or as long as that is not known
 */
public record SignIn(
        String sessionId,
        long version,
        SignInState state,
        @Nullable String url,
        @Nullable String urlSource,
        @Nullable Integer exitCode,
        @Nullable Cause cause,
        @Nullable Cause pageCause) {}
