package dev.sallyport.cli;

import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of all verbs that speak to a running server. The token is never an argument: arguments are seen by everybody. */
public final class ServerOptions {
    @Option(names = "--server", description = "the server's address (default: ${DEFAULT-VALUE})")
    private URI server = URI.create("http://127.0.0.1:4000");

    /** The server's address. */
    URI server() {
        return server;
    }

    /** A client with the token of {@code SALLYPORT_TOKEN}, or the admin's when this user may read its file. */
    ApiClient connect() {
        @Nullable String given = System.getenv("SALLYPORT_TOKEN");
        return new ApiClient(
                server,
                given != null && !given.isBlank()
                        ? Secret.of(given.strip())
                        : AdminTokenFile.read(Folders.ofThisProcess().data()));
    }
}
