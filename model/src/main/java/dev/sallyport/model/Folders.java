package dev.sallyport.model;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Where Sallyport keeps things. As root the folders lie under {@code /var}, because the system user that machines run as must
 * reach them; otherwise they follow the XDG Base Directory Specification.
 *
 * @param cache what can be made again: layers, images, probes' answers
 * @param data what cannot: the database, the vault's keys, tokens, logs
 * @param home the product's own folder (sources and built jars)
 */
public record Folders(Path cache, Path data, Path home) {
    /**
     * Reads them from the environment: {@code SALLYPORT_CACHE}, {@code SALLYPORT_DATA}, {@code SALLYPORT_HOME}, each with its default.
     *
     * @param environment looks a variable up; null when unset
     * @param userName of the process
     */
    public static Folders of(UnaryOperator<@Nullable String> environment, String userName) {
        String userHome = either(environment.apply("HOME"), "/");
        boolean root = userName.equals("root");
        return new Folders(
                Path.of(either(
                        environment.apply("SALLYPORT_CACHE"),
                        root
                                ? "/var/cache/sallyport"
                                : either(environment.apply("XDG_CACHE_HOME"), userHome + "/.cache") + "/sallyport")),
                Path.of(either(
                        environment.apply("SALLYPORT_DATA"),
                        root
                                ? "/var/lib/sallyport"
                                : either(environment.apply("XDG_DATA_HOME"), userHome + "/.local/share")
                                        + "/sallyport")),
                Path.of(either(environment.apply("SALLYPORT_HOME"), "."))
                        .toAbsolutePath()
                        .normalize());
    }

    /** Reads them from this process's environment. */
    public static Folders ofThisProcess() {
        return of(System::getenv, System.getProperty("user.name"));
    }

    private static String either(@Nullable String value, String otherwise) {
        return value == null || value.isBlank() ? otherwise : value;
    }
}
