package dev.sallyport.cli;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A database that several controllers share. Who they are there is in the environment: arguments are everybody's to read. */
final class DatabaseOptions {
    private static final String USER = "SALLYPORT_DATABASE_USER";
    private static final String PASSWORD = "SALLYPORT_DATABASE_PASSWORD";
    private static final String OWNER = "SALLYPORT_DATABASE_OWNER";
    private static final String OWNER_PASSWORD = "SALLYPORT_DATABASE_OWNER_PASSWORD";

    @Option(
            names = "--database",
            paramLabel = "URL",
            description = {
                "PostgreSQL that several controllers share, such as jdbc:postgresql://db.example/sallyport; without it this one"
                        + " brings its own.",
                "The environment says as whom: " + OWNER + " and " + OWNER_PASSWORD + " (owns the tables), " + USER
                        + " and " + PASSWORD
                        + " (an existing role that owns nothing). All need the same SALLYPORT_MASTER_KEY."
            })
    private @Nullable String url;

    @Option(
            names = "--address",
            paramLabel = "URL",
            description = "where other controllers and users reach this one (default: where it listens)")
    private String address = "";

    /**
     * The same settings on that database, if there is one.
     *
     * @throws FailureException BAD_REQUEST when the URL is none, or the environment does not say as whom
     */
    Settings applyTo(Settings settings) {
        if (url == null) {
            return settings;
        }
        if (!url.startsWith("jdbc:postgresql://") || url.contains("password=") || url.contains("user=")) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "--database takes a URL without credentials, such as jdbc:postgresql://db.example/sallyport.");
        }
        return settings.sharing(
                new DatabaseAccess(
                        url,
                        new DatabaseAccess.Login(needed(OWNER), Secret.of(needed(OWNER_PASSWORD))),
                        new DatabaseAccess.Login(needed(USER), Secret.of(needed(PASSWORD)))),
                address);
    }

    private static String needed(String variable) {
        String value = System.getenv(variable);
        if (value == null || value.isEmpty()) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "--database needs " + variable + " in the environment.");
        }
        return value;
    }
}
