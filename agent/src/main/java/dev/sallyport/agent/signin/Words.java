package dev.sallyport.agent.signin;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.provider.Provider;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads from a tool's last words why it failed. The provider's own patterns come first; then those that any tool's words may
 * match: error codes of OAuth 2.0 (RFC 6749, sections 4.1.2.1 and 5.2), names of errno(3), the dynamic loader's complaints.
 * The last line that matches counts: what a tool says first is often only a warning.
 */
final class Words {
    /** Longest part of a line that is looked at, so that no pattern takes long. */
    private static final int MAX_LINE = 1000;

    /** Most lines looked at, from the last one back. */
    private static final int MAX_LINES = 200;

    /** That the program, or what it needs, cannot run: exec(3) by setpriv(1), sh(1) and env(1); ld.so(8). */
    private static final Pattern CANNOT_RUN = Pattern.compile("error while loading shared libraries: "
            + "|version `[^']{1,100}' not found"
            + "|: failed to execute "
            + "|^(/usr/bin/)?env: .{1,200}: (No such file|Permission denied)"
            + "|: (cannot execute|bad interpreter|Exec format error)"
            + "|symbol lookup error: ");

    private static final List<Rule> RULES = List.of(
            rule(CauseCode.CALLBACK_PORT_TAKEN, "\\bEADDRINUSE\\b|\\b[Aa]ddress already in use\\b"),
            rule(CauseCode.USER_DENIED, "\\baccess_denied\\b"),
            rule(
                    CauseCode.TOKEN_REFUSED,
                    "\\b(invalid_grant|invalid_client|unauthorized_client|unsupported_grant_type|invalid_scope|"
                            + "unsupported_response_type|temporarily_unavailable)\\b"),
            rule(
                    CauseCode.TOKEN_REFUSED,
                    "(?i)\\btoken (exchange|endpoint|request)\\b.{0,200}\\b(status|code|HTTP)\\b.{0,20}\\b[45]\\d\\d\\b"),
            rule(
                    CauseCode.UPSTREAM_UNREACHABLE,
                    "\\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|EPIPE|"
                            + "ERR_(TUNNEL|PROXY)_\\w+|UND_ERR_\\w+)\\b"),
            rule(
                    CauseCode.UPSTREAM_UNREACHABLE,
                    "\\b(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|"
                            + "UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)\\w*|ERR_TLS_\\w+)\\b"),
            rule(
                    CauseCode.UPSTREAM_UNREACHABLE,
                    "(?i)certificate (verify failed|has expired|signed by unknown authority|is not trusted)"
                            + "|self[- ]signed certificate|unable to get (local )?issuer certificate|invalid peer certificate"
                            + "|\\bconnection (refused|reset|timed out)\\b|\\bno route to host\\b|\\bnetwork is unreachable\\b"
                            + "|\\b(could|can)(not|n't| not) resolve\\b|name or service not known|dns error"
                            + "|error sending request for url|tunnel(ing)? (socket|connection)?.{0,40}(failed|could not be)"
                            + "|\\bproxy\\b.{0,100}\\b(responded|refused|failed|status|error)\\b"));

    private record Rule(CauseCode cause, Pattern pattern) {}

    private static Rule rule(CauseCode cause, String pattern) {
        return new Rule(cause, Pattern.compile(pattern));
    }

    private final List<Rule> own;
    private final String proxy;

    /**
     * Of one provider's tool.
     *
     * @param proxy the machine's way out as {@code HOST:PORT}; empty when it has none
     * @throws java.util.regex.PatternSyntaxException when one of the provider's patterns is none
     */
    Words(List<Provider.Failure> failures, String proxy) {
        own = failures.stream()
                .map(failure -> new Rule(failure.cause(), Provider.pattern(failure.pattern())))
                .toList();
        this.proxy = proxy;
    }

    /** What the provider's own patterns find: words after which the tool cannot succeed. */
    Optional<Cause> certain(String text) {
        return own.isEmpty() ? Optional.empty() : find(lines(text), List.of(own));
    }

    /** Why a tool that has failed did so; empty when its words do not tell. */
    Optional<Cause> why(String text) {
        List<String> lines = lines(text);
        return find(lines, List.of(own, RULES));
    }

    /** The line that says that the tool's program cannot run in this machine. */
    static Optional<String> cannotRun(String text) {
        return lines(text).stream()
                .filter(line -> CANNOT_RUN.matcher(line).find())
                .findFirst()
                .map(Redaction::of);
    }

    private Optional<Cause> find(List<String> lines, List<List<Rule>> ruleSets) {
        for (List<Rule> rules : ruleSets) {
            for (String line : lines.reversed()) {
                for (Rule rule : rules) {
                    if (rule.pattern().matcher(line).find()) {
                        return Optional.of(named(rule.cause(), line, lines));
                    }
                }
            }
        }
        return Optional.empty();
    }

    private Cause named(CauseCode code, String line, List<String> lines) {
        CauseCode better = code == CauseCode.UPSTREAM_UNREACHABLE
                        && !proxy.isEmpty()
                        && line.contains(proxy)
                        && line.matches("(?i).*(ECONNREFUSED|connection refused|does not answer).*")
                ? CauseCode.EGRESS_DOWN
                : code;
        return new Cause(better, "The tool says so.", evidence(line, lines));
    }

    /** {@code first}, and then the other lines, the last of them, as many as a cause takes. */
    static List<String> evidence(String first, List<String> lines) {
        List<String> others = new ArrayList<>(lines);
        others.remove(first);
        List<String> last = others.subList(Math.max(0, others.size() - Cause.MAX_EVIDENCE + 1), others.size());
        return Stream.concat(Stream.of(first), last.stream()).map(Redaction::of).toList();
    }

    /** The last lines that are not blank, each cut. */
    static List<String> lines(String text) {
        List<String> lines = text.lines()
                .filter(line -> !line.isBlank())
                .map(line -> line.length() > MAX_LINE ? line.substring(0, MAX_LINE) : line)
                .toList();
        return lines.subList(Math.max(0, lines.size() - MAX_LINES), lines.size());
    }
}
