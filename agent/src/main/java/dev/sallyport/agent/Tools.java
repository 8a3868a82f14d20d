package dev.sallyport.agent;

import dev.sallyport.agent.linux.Account;
import dev.sallyport.provider.Provider;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What every command of a tool runs with. */
public final class Tools {
    private final Settings settings;
    private final CurrentFacts facts;
    private final Optional<Account> account;
    private final Authorities authorities;

    /**
     * Tools on this machine.
     *
     * @param account who runs them; empty when the agent's own user
     * @param authorities whom they trust
     */
    public Tools(Settings settings, CurrentFacts facts, Optional<Account> account, Authorities authorities) {
        this.settings = settings;
        this.facts = facts;
        this.account = account;
        this.authorities = authorities;
    }

    /** Who runs them; empty when the agent's own user. */
    public Optional<Account> account() {
        return account;
    }

    /** The machine's way out as {@code HOST:PORT}, as the tools are told; empty when it has none. */
    public String proxy() {
        return Gateway.name(facts.get().proxy());
    }

    /** Where they run: the user's workspace, or the home where there is none. */
    public Path directory(Path home) {
        return Files.isDirectory(settings.workspace()) ? settings.workspace() : home;
    }

    /** Replaces {@code ${home}}, {@code ${workspace}} and {@code ${caBundle}} in {@code text}. */
    public String replaceVariables(String text, Path home) {
        return text.replace("${home}", home.toString())
                .replace("${workspace}", settings.workspace().toString())
                .replace("${caBundle}", authorities.bundle().toString());
    }

    /** {@code command} with its variables replaced. */
    public List<String> command(List<String> command, Path home) {
        return command.stream().map(word -> replaceVariables(word, home)).toList();
    }

    /**
     * The environment of a provider's commands: fresh, so that nothing of the agent's own gets in.
     *
     * @param firstPrograms a folder that is looked into for programs before all others; empty for none
     * @throws IOException when the tools' folder cannot be read
     */
    public Map<String, String> environment(Provider provider, Path home, Optional<Path> firstPrograms)
            throws IOException {
        var environment = new TreeMap<String, String>();
        environment.put("HOME", home.toString());
        environment.put("USER", account.map(Account::name).orElse("user"));
        environment.put("LOGNAME", account.map(Account::name).orElse("user"));
        environment.put("SHELL", "/bin/sh");
        environment.put("LANG", "C.UTF-8");
        environment.put("TERM", "xterm-256color");
        environment.put("PATH", searchPath(firstPrograms));
        String proxy = proxy();
        if (!proxy.isEmpty()) {
            for (String name : List.of("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")) {
                environment.put(name, "http://" + proxy);
            }
            environment.put("NO_PROXY", "127.0.0.1,localhost");
            environment.put("no_proxy", "127.0.0.1,localhost");
        }
        environment.putAll(authorities.environment());
        provider.environment().forEach((name, value) -> environment.put(name, replaceVariables(value, home)));
        return environment;
    }

    /** Where their programs are found. */
    String searchPath() throws IOException {
        return searchPath(Optional.empty());
    }

    /** Their folders of programs, in the order in which these are looked into; none where there are no tools. */
    List<Path> folders() throws IOException {
        var tools = new ArrayList<Path>();
        if (Files.isDirectory(settings.tools())) {
            try (DirectoryStream<Path> each = Files.newDirectoryStream(settings.tools())) {
                each.forEach(tool -> tools.add(tool.resolve("bin")));
            }
        }
        tools.sort(Comparator.comparing(Path::toString));
        return tools;
    }

    private String searchPath(Optional<Path> firstPrograms) throws IOException {
        var folders = new ArrayList<String>();
        firstPrograms.ifPresent(folder -> folders.add(folder.toString()));
        folders().forEach(folder -> folders.add(folder.toString()));
        folders.add(settings.node().toString());
        folders.add("/usr/bin");
        folders.add("/bin");
        return String.join(":", folders);
    }
}
