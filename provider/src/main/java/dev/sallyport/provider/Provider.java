package dev.sallyport.provider;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.ProviderId;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What Sallyport knows of one tool that can be signed in to: one YAML file, read by {@link Providers}. Texts may hold the
 * variables {@code ${home}} (the sign-in's fresh home), {@code ${workspace}} (the directory that the user works in) and
 * {@code ${caBundle}} (the PEM file of the authorities that the machine trusts). Regular expressions are compiled by {@link
 * #pattern} and searched for anywhere in the output, whose escape sequences were removed.
 *
 * @param id the provider's id, as in the API
 * @param name for people
 * @param tool the name of the image's layer that holds the tool, and the version that is pinned in it
 * @param environment set for every command of the tool
 * @param signIn how a sign-in runs
 * @param credentials the files that a sign-in writes
 * @param handOver what is written to the CLI machine besides the credentials
 * @param status how the tool is asked whether it is signed in
 * @param egress hosts that the machines may reach: exact names, or {@code *.} and a domain
 */
public record Provider(
        ProviderId id,
        String name,
        Tool tool,
        Map<String, String> environment,
        SignIn signIn,
        Credentials credentials,
        HandOver handOver,
        Status status,
        List<String> egress) {

    /**
     * Compiles one of the definition's regular expressions: {@code ^} and {@code $} match at the ends of lines too.
     *
     * @throws java.util.regex.PatternSyntaxException when it is none
     */
    public static Pattern pattern(String regularExpression) {
        return Pattern.compile(regularExpression, Pattern.MULTILINE);
    }

    /**
     * @param layer the image layer's name, such as {@code tool-codex}
     * @param version the pinned version
     */
    public record Tool(String layer, String version) {}

    /** How the tool's standard streams are connected. */
    public enum Streams {
        /** Plain pipes. */
        PIPES,
        /** A pseudo-terminal, whose cursor position queries are answered. */
        PTY
    }

    /** Where the authorization URL is taken from, in the order of preference. */
    public enum UrlSource {
        /** The tool runs {@code $BROWSER} with the URL. */
        BROWSER_VARIABLE,
        /** The tool runs {@code xdg-open} with the URL. */
        XDG_OPEN,
        /** The tool prints the URL and {@link SignIn#urlPattern} finds it. */
        OUTPUT
    }

    /**
     * How a sign-in runs.
     *
     * @param command the tool's own sign-in command
     * @param streams pipes or a pseudo-terminal
     * @param input lines written to the tool at its start (JSON-RPC requests, for example), each ended by a line feed
     * @param closeInputOn a regular expression: its first match in the output ends the tool's input; empty when the input stays open
     * @param seedFiles files written into the fresh home before the command starts
     * @param urlFrom where the URL is taken from
     * @param urlPattern a regular expression whose first group is the URL in the output; empty when never read from there
     * @param authorizationHosts hosts that the URL may name: exact names
     * @param callback how the sign-in's end comes back to the tool
     * @param success what the tool does when it succeeded
     * @param urlSeconds most seconds from the command's start to its URL
     * @param failures what the tool says when it fails for a reason that has a name; the first that matches a line of it counts
     */
    public record SignIn(
            List<String> command,
            Streams streams,
            List<String> input,
            String closeInputOn,
            List<SeedFile> seedFiles,
            List<UrlSource> urlFrom,
            String urlPattern,
            List<String> authorizationHosts,
            Callback callback,
            Success success,
            int urlSeconds,
            List<Failure> failures) {
        /** An older controller says nothing of failures. */
        public SignIn {
            failures = failures == null ? List.of() : List.copyOf(failures);
        }
    }

    /**
     * Words of the tool that name why it failed. They end the sign-in as soon as they are said.
     *
     * @param pattern a regular expression for a line of the output
     * @param cause what it means
     */
    public record Failure(String pattern, CauseCode cause) {}

    /**
     * A file written before a command runs.
     *
     * @param path relative to the home
     * @param mode octal, such as {@code 0600}
     * @param content the text, after its variables were replaced
     */
    public record SeedFile(String path, String mode, String content) {}

    /**
     * The tool's callback listener.
     *
     * @param ports the ports that it may listen on; empty when it takes any
     * @param path the path of the redirect URI, such as {@code /auth/callback}
     * @param pasteCode true when the tool also takes a pasted code on its input
     */
    public record Callback(List<Integer> ports, String path, boolean pasteCode) {}

    /**
     * @param exitCode what the tool exits with
     * @param outputPattern a regular expression that its output must match; empty when the exit code alone tells
     */
    public record Success(int exitCode, String outputPattern) {}

    /** @param files the credential files, none of which may be missing unless it is optional */
    public record Credentials(List<CredentialFile> files) {}

    /** How a credential file is written. */
    public enum Format {
        JSON,
        /** JSON with comments. */
        JSONC,
        /** Anything else: carried as it is. */
        OPAQUE
    }

    /**
     * One credential file.
     *
     * @param path relative to the home
     * @param mode octal; the file is written with it, and one that is more widely readable is refused
     * @param format how its fields are read
     * @param required fields that must be there and not be empty, as dotted paths; {@code *} stands for any one name
     * @param optional true when the sign-in may do without it
     */
    public record CredentialFile(String path, String mode, Format format, List<String> required, boolean optional) {}

    /** @param seedFiles written to the CLI machine's home before the credentials, unless they are there already */
    public record HandOver(List<SeedFile> seedFiles) {}

    /**
     * How the tool says whether it is signed in.
     *
     * @param command its own status command; empty when it has none, and the credential files' required fields are the proof
     * @param signedInExitCode what the command exits with when signed in
     * @param signedInPattern a regular expression that the output must match; empty when the exit code alone tells
     */
    public record Status(List<String> command, int signedInExitCode, String signedInPattern) {}
}
