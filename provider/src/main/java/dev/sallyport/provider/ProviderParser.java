package dev.sallyport.provider;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.InvalidIdException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.InvalidProvidersException.Problem;
import dev.sallyport.provider.Provider.CredentialFile;
import dev.sallyport.provider.Provider.Credentials;
import dev.sallyport.provider.Provider.Failure;
import dev.sallyport.provider.Provider.HandOver;
import dev.sallyport.provider.Provider.SeedFile;
import dev.sallyport.provider.Provider.SignIn;
import dev.sallyport.provider.Provider.Status;
import dev.sallyport.provider.Provider.Streams;
import dev.sallyport.provider.Provider.Success;
import dev.sallyport.provider.Provider.Tool;
import dev.sallyport.provider.Provider.UrlSource;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;

/** Reads one provider file. Keys are the names of the components of {@link Provider}, enum values their lower-case names. */
final class ProviderParser {
    /** Largest file, in characters. */
    static final int MAX_FILE = 65_536;

    private static final int MAX_PATTERN = 500;
    private static final Pattern HOST =
            Pattern.compile("(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])");
    private static final Pattern PATH = Pattern.compile("[A-Za-z0-9._@+-]{1,100}(/[A-Za-z0-9._@+-]{1,100}){0,10}");
    private static final Pattern MODE = Pattern.compile("0[4-7][0145][0145]");
    private static final Pattern ENVIRONMENT_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");
    private static final Pattern LAYER = Pattern.compile("tool-[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?");
    private static final Pattern VERSION = Pattern.compile("[0-9][0-9A-Za-z.+-]{0,40}");
    private static final Pattern FIELD = Pattern.compile("([^.\\s]{1,100})(\\.[^.\\s]{1,100}){0,8}");
    private static final Pattern CALLBACK_PATH = Pattern.compile("/[A-Za-z0-9._~/-]{0,200}");
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^}]*)}?");
    private static final Set<String> VARIABLES = Set.of("home", "workspace", "caBundle");
    /** What the agent itself sets for every command. */
    private static final Set<String> RESERVED = Set.of("HOME", "PATH", "BROWSER");
    private static final int MAX_FAILURES = 20;
    /** What a tool's own words can prove. */
    private static final CauseCode[] TOLD_BY_TOOLS = {
        CauseCode.TOOL_FAILED,
        CauseCode.CALLBACK_PORT_TAKEN,
        CauseCode.USER_DENIED,
        CauseCode.TOKEN_REFUSED,
        CauseCode.UPSTREAM_UNREACHABLE,
        CauseCode.UPSTREAM_PASSWORD,
        CauseCode.EGRESS_REFUSED,
        CauseCode.EGRESS_DOWN,
        CauseCode.USER_TIME_OUT
    };

    private final String file;
    private final List<Problem> problems;

    private ProviderParser(String file, List<Problem> problems) {
        this.file = file;
        this.problems = problems;
    }

    /**
     * Reads {@code text}.
     *
     * @param file the name that problems are told with
     * @param problems takes everything that is wrong
     * @return the provider, or null when anything was wrong
     */
    static @Nullable Provider parse(String file, String text, List<Problem> problems) {
        var parser = new ProviderParser(file, new ArrayList<>());
        Provider provider = parser.read(text);
        problems.addAll(parser.problems);
        return parser.problems.isEmpty() ? provider : null;
    }

    private @Nullable Provider read(String text) {
        if (text.length() > MAX_FILE) {
            problems.add(new Problem(file, 0, "is longer than " + MAX_FILE + " characters"));
            return null;
        }
        var options = new LoaderOptions();
        options.setAllowDuplicateKeys(false);
        options.setMaxAliasesForCollections(0);
        options.setNestingDepthLimit(20);
        options.setCodePointLimit(MAX_FILE);
        Node root;
        try {
            root = new Yaml(options).compose(new StringReader(text));
        } catch (MarkedYAMLException e) {
            int line = e.getProblemMark() == null ? 0 : e.getProblemMark().getLine() + 1;
            problems.add(new Problem(file, line, "is not YAML: " + e.getProblem()));
            return null;
        } catch (YAMLException e) {
            problems.add(new Problem(file, 0, "is not YAML: " + e.getMessage()));
            return null;
        }
        if (root == null) {
            problems.add(new Problem(file, 0, "is empty"));
            return null;
        }
        return provider(new YamlFields(file, "", root, 1, problems));
    }

    private @Nullable Provider provider(YamlFields fields) {
        ProviderId id = null;
        String idText = fields.text("id");
        try {
            id = new ProviderId(idText);
        } catch (InvalidIdException e) {
            fields.problem("id", "must be lower-case letters, digits and _");
        }
        String name = fields.text("name");
        if (name.length() > 60 || name.indexOf('\n') >= 0) {
            fields.problem("name", "must be one line of at most 60 characters");
        }
        Tool tool = tool(fields.required("tool"));
        Map<String, String> environment =
                Map.copyOf(fields.map("environment", (key, value) -> environmentProblem(key, value)));
        SignIn signIn = signIn(fields.required("signIn"));
        Credentials credentials = credentials(fields.required("credentials"));
        YamlFields handOverFields = fields.fields("handOver");
        HandOver handOver = new HandOver(seedFiles(handOverFields));
        handOverFields.end();
        Status status = status(fields.fields("status"));
        List<String> egress = fields.texts("egress", (key, host) -> hostProblem(host, true));
        for (String host : signIn.authorizationHosts()) {
            if (egress.stream().noneMatch(allowed -> covers(allowed, host))) {
                fields.problem("egress", "does not allow " + host + ", where the user signs in");
            }
        }
        fields.end();
        return id == null
                ? null
                : new Provider(id, name, tool, environment, signIn, credentials, handOver, status, egress);
    }

    private static boolean covers(String allowed, String host) {
        return allowed.startsWith("*.") ? host.endsWith(allowed.substring(1)) : host.equals(allowed);
    }

    private static Tool tool(YamlFields fields) {
        String layer = fields.text("layer");
        if (!layer.isEmpty() && !LAYER.matcher(layer).matches()) {
            fields.problem("layer", "must be tool- and a name of lower-case letters, digits and -");
        }
        String version = fields.text("version");
        if (!version.isEmpty() && !VERSION.matcher(version).matches()) {
            fields.problem("version", "is not a version");
        }
        fields.end();
        return new Tool(layer, version);
    }

    private static @Nullable String environmentProblem(String name, String value) {
        if (!ENVIRONMENT_NAME.matcher(name).matches()) {
            return "is not a name for a variable";
        }
        return RESERVED.contains(name) ? "is set by the agent" : variableProblem(value);
    }

    private static SignIn signIn(YamlFields fields) {
        List<String> command = command(fields, "command");
        if (command.isEmpty()) {
            fields.problem("command", "is missing");
        }
        Streams streams = choice(fields, "streams", Streams.values(), Streams.PIPES);
        List<String> input = fields.texts(
                "input", (key, line) -> line.indexOf('\n') >= 0 ? "must be one line" : variableProblem(line));
        String closeInputOn = pattern(fields, "closeInputOn", 0);
        List<SeedFile> seedFiles = seedFiles(fields);
        List<UrlSource> urlFrom = new ArrayList<>();
        for (String source : fields.texts("urlFrom", (key, value) -> choiceProblem(value, UrlSource.values()))) {
            UrlSource value = UrlSource.valueOf(source.toUpperCase(Locale.ROOT));
            if (urlFrom.contains(value)) {
                fields.problem("urlFrom", "has " + source + " twice");
            } else {
                urlFrom.add(value);
            }
        }
        if (urlFrom.isEmpty()) {
            fields.problem("urlFrom", "must name at least one source");
        }
        String urlPattern = pattern(fields, "urlPattern", 1);
        if (urlFrom.contains(UrlSource.OUTPUT) == urlPattern.isEmpty()) {
            fields.problem("urlPattern", "must be there when, and only when, urlFrom has output");
        }
        List<String> hosts = fields.texts("authorizationHosts", (key, host) -> hostProblem(host, false));
        if (hosts.isEmpty()) {
            fields.problem("authorizationHosts", "must name at least one host");
        }
        Provider.Callback callback = callback(fields.required("callback"));
        YamlFields successFields = fields.fields("success");
        Success success =
                new Success(successFields.number("exitCode", 0, 255, 0), pattern(successFields, "outputPattern", 0));
        successFields.end();
        int urlSeconds = fields.number("urlSeconds", 1, 600, 60);
        List<Failure> failures = failures(fields);
        fields.end();
        return new SignIn(
                command,
                streams,
                input,
                closeInputOn,
                seedFiles,
                List.copyOf(urlFrom),
                urlPattern,
                hosts,
                callback,
                success,
                urlSeconds,
                failures);
    }

    private static List<Failure> failures(YamlFields fields) {
        List<Failure> failures = new ArrayList<>();
        for (YamlFields entry : fields.list("failures")) {
            if (!entry.has("pattern")) {
                entry.problem("pattern", "is missing");
            }
            String pattern = pattern(entry, "pattern", 0);
            if (entry.has("pattern") && !pattern.isEmpty() && matchesNothing(pattern)) {
                entry.problem("pattern", "matches an empty line, and so says nothing");
            }
            if (!entry.has("cause")) {
                entry.problem("cause", "is missing");
            }
            failures.add(new Failure(pattern, choice(entry, "cause", TOLD_BY_TOOLS, CauseCode.TOOL_FAILED)));
            entry.end();
        }
        if (failures.size() > MAX_FAILURES) {
            fields.problem("failures", "has more than " + MAX_FAILURES + " entries");
        }
        return List.copyOf(failures);
    }

    private static Provider.Callback callback(YamlFields fields) {
        List<Integer> ports = fields.numbers("ports", 1, 65_535);
        String path = fields.text("path");
        if (!path.isEmpty() && !CALLBACK_PATH.matcher(path).matches()) {
            fields.problem("path", "must begin with / and be a plain path");
        }
        boolean pasteCode = fields.flag("pasteCode");
        fields.end();
        return new Provider.Callback(ports, path, pasteCode);
    }

    private static Credentials credentials(YamlFields fields) {
        List<CredentialFile> files = new ArrayList<>();
        Set<String> paths = new HashSet<>();
        for (YamlFields entry : fields.list("files")) {
            String path = path(entry);
            if (!path.isEmpty() && !paths.add(path)) {
                entry.problem("path", "is there twice");
            }
            String mode = mode(entry);
            Provider.Format format = choice(entry, "format", Provider.Format.values(), Provider.Format.JSON);
            List<String> required = entry.texts(
                    "required",
                    (key, field) -> FIELD.matcher(field).matches() ? null : "is not a dotted path: " + field);
            if (format == Provider.Format.OPAQUE && !required.isEmpty()) {
                entry.problem("required", "cannot be read from an opaque file");
            }
            files.add(new CredentialFile(path, mode, format, required, entry.flag("optional")));
            entry.end();
        }
        if (files.stream().allMatch(CredentialFile::optional)) {
            fields.problem("files", "must hold at least one that is not optional");
        }
        fields.end();
        return new Credentials(List.copyOf(files));
    }

    private static Status status(YamlFields fields) {
        List<String> command = command(fields, "command");
        int exitCode = fields.number("signedInExitCode", 0, 255, 0);
        String signedInPattern = pattern(fields, "signedInPattern", 0);
        if (command.isEmpty() && (fields.has("signedInExitCode") || fields.has("signedInPattern"))) {
            fields.problem("command", "is missing, so there is nothing to tell signed in by");
        }
        fields.end();
        return new Status(command, exitCode, signedInPattern);
    }

    private static List<SeedFile> seedFiles(YamlFields fields) {
        List<SeedFile> files = new ArrayList<>();
        for (YamlFields entry : fields.list("seedFiles")) {
            String path = path(entry);
            String mode = mode(entry);
            String content = entry.text("content");
            String wrong = variableProblem(content);
            if (wrong != null) {
                entry.problem("content", wrong);
            }
            files.add(new SeedFile(path, mode, content));
            entry.end();
        }
        return List.copyOf(files);
    }

    private static List<String> command(YamlFields fields, String key) {
        return fields.texts(key, (name, word) -> variableProblem(word));
    }

    private static String path(YamlFields fields) {
        String path = fields.text("path");
        if (!path.isEmpty()
                && (!PATH.matcher(path).matches()
                        || List.of(path.split("/")).stream().anyMatch(part -> part.equals("..") || part.equals(".")))) {
            fields.problem("path", "must be a plain path below the home");
            return "";
        }
        return path;
    }

    private static String mode(YamlFields fields) {
        String mode = fields.text("mode", "0600");
        if (!MODE.matcher(mode).matches()) {
            fields.problem("mode", "must be four octal digits, writable by the owner alone, such as 0600");
        }
        return mode;
    }

    private static String pattern(YamlFields fields, String key, int groups) {
        String text = fields.text(key, "");
        if (text.length() > MAX_PATTERN) {
            fields.problem(key, "is longer than " + MAX_PATTERN + " characters");
            return "";
        }
        try {
            if (!text.isEmpty() && Provider.pattern(text).matcher("").groupCount() < groups) {
                fields.problem(key, "must have a group that is the URL");
            }
        } catch (PatternSyntaxException e) {
            fields.problem(key, "is not a regular expression: " + e.getDescription() + " at character " + e.getIndex());
        }
        return text;
    }

    private static boolean matchesNothing(String pattern) {
        try {
            return Provider.pattern(pattern).matcher("").find();
        } catch (PatternSyntaxException e) {
            return false; // Told already, as what it is.
        }
    }

    private static <E extends Enum<E>> E choice(YamlFields fields, String key, E[] values, E otherwise) {
        String text = fields.text(key, otherwise.name().toLowerCase(Locale.ROOT));
        String wrong = choiceProblem(text, values);
        if (wrong != null) {
            fields.problem(key, wrong);
            return otherwise;
        }
        return Enum.valueOf(otherwise.getDeclaringClass(), text.toUpperCase(Locale.ROOT));
    }

    private static <E extends Enum<E>> @Nullable String choiceProblem(String text, E[] values) {
        List<String> names = new ArrayList<>();
        for (E value : values) {
            names.add(value.name().toLowerCase(Locale.ROOT));
        }
        return names.contains(text) ? null : "must be one of " + String.join(", ", names);
    }

    private static @Nullable String hostProblem(String host, boolean wildcard) {
        String name = wildcard && host.startsWith("*.") ? host.substring(2) : host;
        return HOST.matcher(name).matches()
                ? null
                : "must be a lower-case host name" + (wildcard ? ", or *. and a domain" : "") + ": " + host;
    }

    private static @Nullable String variableProblem(String text) {
        Matcher matcher = VARIABLE.matcher(text);
        while (matcher.find()) {
            if (!matcher.group().endsWith("}") || !VARIABLES.contains(matcher.group(1))) {
                return "has a variable that is not known: " + matcher.group();
            }
        }
        return null;
    }
}
