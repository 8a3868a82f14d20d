package dev.sallyport.agent.credentials;

import dev.sallyport.agent.linux.HomeFolder;
import dev.sallyport.agent.linux.HomePath;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Provider.CredentialFile;
import dev.sallyport.provider.Provider.SeedFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Reads and writes a provider's credential files in a home. */
public final class CredentialFiles {
    /** Largest credential file, in bytes. */
    public static final int MAX_FILE = 512 * 1024;

    /** Most bytes of all files of a provider together; in base64 they stay under the answer's 4 MiB. */
    private static final int MAX_TOTAL = 2 * 1024 * 1024;

    private static final Pattern MODE = Pattern.compile("0?[0-7]{3}");

    private final JsonFields fields = new JsonFields();

    /**
     * What is there.
     *
     * @param files each file of the provider
     * @param problems what keeps them from being complete, one sentence each; empty when they are
     */
    public record Findings(List<CredentialStatus.File> files, List<String> problems) {
        /** True when nothing is missing. */
        public boolean complete() {
            return problems.isEmpty();
        }
    }

    /** Looks at the files without telling their content. */
    public Findings look(Provider provider, HomeFolder home) {
        var files = new ArrayList<CredentialStatus.File>();
        var problems = new ArrayList<String>();
        for (CredentialFile file : provider.credentials().files()) {
            Optional<HomeFolder.Found> found;
            try {
                found = home.read(HomePath.of(file.path()), MAX_FILE);
            } catch (IOException e) {
                problems.add(String.valueOf(e.getMessage()));
                files.add(new CredentialStatus.File(file.path(), false, "", 0, file.required()));
                continue;
            }
            if (found.isEmpty()) {
                if (!file.optional()) {
                    problems.add(file.path() + " is not there");
                }
                files.add(new CredentialStatus.File(file.path(), false, "", 0, file.required()));
                continue;
            }
            List<String> missing = fields.missing(found.get().content(), file.format(), file.required());
            if (!missing.isEmpty()) {
                problems.add(file.path() + " lacks " + String.join(", ", missing));
            }
            int mode = found.get().mode();
            if ((mode & ~mode(file.mode())) != 0) {
                problems.add(file.path() + " has mode " + octal(mode) + ", wider than " + file.mode());
            }
            files.add(new CredentialStatus.File(
                    file.path(), true, octal(mode), found.get().size(), missing));
        }
        return new Findings(List.copyOf(files), List.copyOf(problems));
    }

    /**
     * Reads the files that are there.
     *
     * @throws FailureException CREDENTIALS_INCOMPLETE when together they are too large
     * @throws IOException when one cannot be read
     */
    public CredentialSet read(Provider provider, HomeFolder home) throws IOException {
        var files = new ArrayList<CredentialSet.File>();
        long total = 0;
        for (CredentialFile file : provider.credentials().files()) {
            Optional<HomeFolder.Found> found = home.read(HomePath.of(file.path()), MAX_FILE);
            if (found.isPresent()) {
                total += found.get().size();
                files.add(new CredentialSet.File(file.path(), file.mode(), found.get().content()));
            }
        }
        if (total > MAX_TOTAL) {
            throw FailureException.of(
                    CauseCode.CREDENTIALS_INCOMPLETE, "The files are larger than " + MAX_TOTAL + " bytes together.");
        }
        return new CredentialSet(provider.id().value(), List.copyOf(files));
    }

    /**
     * Writes seed files that are not there yet, and then the credentials. All paths and modes are checked before anything is
     * written.
     *
     * @param variables replaces the variables in seed files' texts
     * @return the paths written
     * @throws FailureException BAD_REQUEST when a path, mode or file may not be written
     * @throws IOException when a file cannot be written
     */
    public List<String> write(
            Provider provider, CredentialSet credentials, HomeFolder home, UnaryOperator<String> variables)
            throws IOException {
        if (!credentials.provider().equals(provider.id().value())) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The credentials are another provider's.");
        }
        Map<String, CredentialFile> known = new HashMap<>();
        provider.credentials().files().forEach(file -> known.put(file.path(), file));
        Map<HomePath, CredentialSet.File> writes = new LinkedHashMap<>();
        for (CredentialSet.File file : credentials.files()) {
            HomePath path = HomePath.of(file.path());
            CredentialFile asKnown = known.get(file.path());
            if (asKnown == null) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "A file is none of the provider's credential files.");
            }
            if ((mode(file.mode()) & ~mode(asKnown.mode())) != 0) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "A file's mode is wider than the provider's.");
            }
            if (file.content().length > MAX_FILE) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "A file is larger than " + MAX_FILE + " bytes.");
            }
            writes.put(path, file);
        }
        var written = new ArrayList<String>();
        written.addAll(seed(provider.handOver().seedFiles(), home, variables));
        for (Map.Entry<HomePath, CredentialSet.File> entry : writes.entrySet()) {
            home.write(entry.getKey(), entry.getValue().content(), mode(entry.getValue().mode()));
            written.add(entry.getKey().text());
        }
        return List.copyOf(written);
    }

    /**
     * Writes seed files, but for those that are there.
     *
     * @return the paths written
     * @throws FailureException BAD_REQUEST when a path or mode may not be used
     * @throws IOException when a file cannot be written
     */
    public List<String> seed(List<SeedFile> seeds, HomeFolder home, UnaryOperator<String> variables)
            throws IOException {
        Map<HomePath, SeedFile> wanted = new LinkedHashMap<>();
        for (SeedFile seed : seeds) {
            mode(seed.mode());
            wanted.put(HomePath.of(seed.path()), seed);
        }
        var written = new ArrayList<String>();
        for (Map.Entry<HomePath, SeedFile> entry : wanted.entrySet()) {
            if (!home.exists(entry.getKey())) {
                String content = variables.apply(entry.getValue().content());
                home.write(
                        entry.getKey(),
                        content.getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        mode(entry.getValue().mode()));
                written.add(entry.getKey().text());
            }
        }
        return written;
    }

    private static int mode(String text) {
        if (!MODE.matcher(text).matches()) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "A file's mode is not three octal digits.");
        }
        return Integer.parseInt(text, 8);
    }

    private static String octal(int mode) {
        return String.format("%04o", mode);
    }
}
