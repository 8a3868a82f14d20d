package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.model.CauseCode;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What must differ between machines, and what is secret, baked into a tree. Places are searched within bounds, and never is a value
 * told.
 */
final class SecretCheck {
    private static final int MAX_READ = 256 << 10;
    private static final int MOST_ENTRIES = 60_000;
    private static final String REMOVE = "Remove it in the recipe.";

    /** Credential files below a home, with what their text holds when they are in use; an empty pattern for any text. */
    private static final Map<String, String> CREDENTIALS = credentials();

    private static final List<String> SEARCHED = List.of("/etc", "/root", "/home", "/opt", "/srv", "/var/lib");
    /** Large, public, and without anything of anybody's. */
    private static final Pattern PASSED_OVER = Pattern.compile(
            "/etc/ssl/certs|/etc/ca-certificates|/var/lib/(dpkg|apt|systemd/catalog|ucf|pam|snapd)|.*/node_modules|/opt/sallyport/(agent/runtime|node)"
                    + "|.*/(site-packages|dist-packages|testdata|test|tests|fixtures|examples?|doc|docs|__pycache__)");

    private static final Pattern KEY_FILE =
            Pattern.compile("(?i).*\\.(pem|key|p8|ppk)|id_(rsa|dsa|ecdsa|ed25519)(_sk)?|identity|.*_(rsa|ed25519)");
    private static final Pattern PRIVATE_KEY =
            Pattern.compile("-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----|PuTTY-User-Key-File");
    private static final Pattern SECRET_NAME =
            Pattern.compile("(?i).*(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)");

    private final Tree tree;
    private final Accounts accounts;
    private final boolean ours;
    private final Findings findings;

    /** @param ours whether the recipe is ours, so that what a package made while it was installed is our fault too */
    SecretCheck(Tree tree, Accounts accounts, boolean ours, Findings findings) {
        this.tree = tree;
        this.accounts = accounts;
        this.ours = ours;
        this.findings = findings;
    }

    private static Map<String, String> credentials() {
        Map<String, String> files = new LinkedHashMap<>();
        for (Provider provider : Providers.builtIn().all()) {
            provider.credentials().files().forEach(file -> files.put(file.path(), ""));
        }
        for (String file : List.of(
                ".claude/.credentials.json",
                ".codex/auth.json",
                ".gemini/oauth_creds.json",
                ".local/share/opencode/auth.json",
                ".aws/credentials",
                ".netrc",
                ".git-credentials",
                ".pgpass",
                ".config/gcloud/credentials.db",
                ".config/gcloud/application_default_credentials.json",
                ".azure/msal_token_cache.json",
                ".vnc/passwd",
                ".config/tigervnc/passwd",
                ".cargo/credentials.toml",
                ".terraform.d/credentials.tfrc.json")) {
            files.putIfAbsent(file, "");
        }
        files.put(".claude.json", "(?s).*\"(oauthAccount|primaryApiKey)\".*");
        files.put(".copilot/config.json", "(?s).*\"(authTokens|token)\".*");
        files.put(".config/github-copilot/hosts.json", "(?s).*oauth_token.*");
        files.put(".config/github-copilot/apps.json", "(?s).*oauth_token.*");
        files.put(".config/gh/hosts.yml", "(?s).*oauth_token.*");
        files.put(".npmrc", "(?s).*(_authToken|_auth|_password)\\s*=.*");
        files.put(".yarnrc.yml", "(?s).*npmAuth(Token|Ident).*");
        files.put(".docker/config.json", "(?s).*\"auth\"\\s*:\\s*\"[^\"]+\".*");
        files.put(".kube/config", "(?s).*(client-key-data|token):.*");
        files.put(".pypirc", "(?s).*password\\s*[:=].*");
        return files;
    }

    void check() throws IOException {
        identities();
        passwords();
        Set<String> homes = new LinkedHashSet<>(List.of("/root"));
        accounts.withHomes().stream()
                .map(Accounts.User::home)
                .filter(home -> home.matches("/(home|root|opt|srv|var/lib)(/.*)?"))
                .forEach(homes::add);
        tree.names("/home").forEach(name -> homes.add("/home/" + name));
        for (String home : homes) {
            home(home);
        }
        for (String root : SEARCHED) {
            keys(root);
        }
    }

    private void identities() throws IOException {
        for (String path : List.of("/etc/machine-id", "/var/lib/dbus/machine-id")) {
            Optional<Entry> id = tree.findLink(path);
            if (id.isPresent()
                    && id.get().kind() == Kind.FILE
                    && id.get().text(64).strip().matches("[0-9a-fA-F]{32}")) {
                error(path, "All machines would have the same identity.", "Empty the file in the recipe.");
            }
        }
        for (String path : List.of(
                "/var/lib/systemd/random-seed",
                "/var/lib/urandom/random-seed",
                "/var/lib/random-seed",
                "/var/lib/systemd/credential.secret")) {
            present(path, "All machines would begin with the same randomness or key.");
        }
        for (String path : Globs.expand(tree, "/etc/ssh/ssh_host_*_key")) {
            // Packages of others make them when they are installed, and their images are many: no reason to refuse one.
            findings.add(ours, CauseCode.IMAGE_UNSOUND, path, 0, "All machines would have the same host key.", REMOVE);
        }
        for (String pattern : List.of(
                "/var/lib/dhcp/*.leases",
                "/var/lib/dhcpcd/*.lease*",
                "/var/lib/NetworkManager/*.lease",
                "/var/lib/NetworkManager/secret_key",
                "/var/lib/cloud/instances/*",
                "/var/lib/cloud/instance")) {
            for (String path : Globs.expand(tree, pattern)) {
                Optional<Entry> left = tree.find(path);
                if (left.isPresent()
                        && (left.get().kind() == Kind.FOLDER
                                || left.get().node().size() > 0)) {
                    findings.warning(
                            CauseCode.IMAGE_UNSOUND,
                            path,
                            0,
                            "This is what an earlier boot left, and all machines would take it for theirs.",
                            REMOVE);
                }
            }
        }
    }

    private void passwords() throws IOException {
        Optional<Entry> shadow = tree.find("/etc/shadow");
        if (shadow.isEmpty() || shadow.get().kind() != Kind.FILE) {
            return;
        }
        int number = 0;
        for (String line : shadow.get().text(MAX_READ).split("\n", -1)) {
            number++;
            String[] fields = line.split(":", -1);
            if (fields.length < 2) {
                continue;
            }
            boolean root = fields[0].equals("root");
            if (fields[1].isEmpty()) {
                findings.add(
                        root,
                        CauseCode.IMAGE_UNSOUND,
                        "/etc/shadow",
                        number,
                        "The user " + fields[0] + " has an empty password.",
                        "Lock it: '*' in place of the password.");
            } else if (fields[1].startsWith("$") || fields[1].matches("[./0-9A-Za-z]{13}")) {
                findings.warning(
                        CauseCode.IMAGE_UNSOUND,
                        "/etc/shadow",
                        number,
                        "The user " + fields[0] + " has a password, the same in all machines.",
                        "Lock it: '*' in place of the password.");
            }
        }
    }

    private void home(String home) throws IOException {
        for (Map.Entry<String, String> file : CREDENTIALS.entrySet()) {
            String path = home + "/" + file.getKey();
            Optional<Entry> found = tree.findLink(path);
            if (found.isPresent()
                    && found.get().kind() == Kind.FILE
                    && found.get().node().size() > 0
                    && (file.getValue().isEmpty() || found.get().text(MAX_READ).matches(file.getValue()))) {
                error(path, "Somebody's credentials are in the image.", REMOVE);
            }
        }
        for (String name : tree.names(home + "/.ssh")) {
            if (!name.matches("known_hosts.*|config|.*\\.pub")) {
                present(
                        home + "/.ssh/" + name,
                        name.startsWith("authorized_keys")
                                ? "Whoever has the key enters every machine."
                                : "Somebody's key is in the image.");
            }
        }
        for (String name : List.of(
                ".bash_history",
                ".zsh_history",
                ".python_history",
                ".node_repl_history",
                ".lesshst",
                ".viminfo",
                ".mysql_history",
                ".psql_history")) {
            Optional<Entry> history = tree.findLink(home + "/" + name);
            if (history.isPresent()
                    && history.get().kind() == Kind.FILE
                    && history.get().node().size() > 0) {
                findings.warning(
                        CauseCode.IMAGE_UNSOUND,
                        home + "/" + name,
                        0,
                        "What somebody typed is in the image, secrets perhaps.",
                        REMOVE);
            }
        }
    }

    private void keys(String root) throws IOException {
        List<Entry> suspects = new ArrayList<>();
        tree.walk(root, MOST_ENTRIES, entry -> {
            if (entry.kind() == Kind.FOLDER) {
                return !PASSED_OVER.matcher(entry.path()).matches();
            }
            String name = entry.path().substring(entry.path().lastIndexOf('/') + 1);
            if (entry.kind() == Kind.FILE
                    && entry.node().size() < MAX_READ
                    && KEY_FILE.matcher(name).matches()) {
                suspects.add(entry);
            }
            return false;
        });
        for (Entry suspect : suspects) {
            String path = suspect.path();
            String text = new String(suspect.read(MAX_READ), StandardCharsets.ISO_8859_1);
            if (path.contains("/.ssh/")
                    || path.matches("/etc/ssh/ssh_host_.*")
                    || !PRIVATE_KEY.matcher(text).find()) {
                continue;
            }
            if (path.contains("snakeoil") || path.matches("/opt/.*")) {
                findings.warning(
                        CauseCode.IMAGE_UNSOUND,
                        path,
                        0,
                        "A private key is in the image, the same in all machines.",
                        REMOVE);
            } else {
                error(path, "A private key is in the image, the same in all machines.", REMOVE);
            }
        }
    }

    /** Secrets in the environment of a unit. */
    void environment(Unit unit) {
        for (Setting setting : unit.all("Service", "Environment")) {
            for (var word : dev.sallyport.image.verify.systemd.Words.understood(setting.value())) {
                int equals = word.text().indexOf('=');
                String name = equals < 0 ? "" : word.text().substring(0, equals);
                String value = word.text().substring(equals + 1);
                if (SECRET_NAME.matcher(name).matches()
                        && value.length() > 3
                        && !value.startsWith("/")
                        && !value.matches("(?i)true|false|none|file")) {
                    findings.warning(
                            CauseCode.IMAGE_UNSOUND,
                            setting.file(),
                            setting.line(),
                            "The unit " + unit.name() + " holds a secret, it seems: " + name + ".",
                            "Give it to the machine after its start; what is in an image is no secret.");
                }
            }
        }
    }

    private void present(String path, String text) throws IOException {
        Optional<Entry> found = tree.findLink(path);
        if (found.isPresent()
                && (found.get().kind() != Kind.FILE || found.get().node().size() > 0)) {
            error(path, text, REMOVE);
        }
    }

    private void error(String path, String text, String remedy) {
        findings.error(CauseCode.IMAGE_UNSOUND, path, 0, text, remedy);
    }
}
