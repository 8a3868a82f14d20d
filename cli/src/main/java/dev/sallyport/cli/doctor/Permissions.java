package dev.sallyport.cli.doctor;

import dev.sallyport.machine.Command;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Who may read and write what: the folders, the secrets in them, the system users, and what image builds need. */
final class Permissions implements Check {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final List<String> SYSTEM_USERS = List.of("sallyport", "sallyport-db");
    private static final List<String> SECRETS = List.of("master-key", "admin-token", "postgres-password");

    /**
     * A folder or file as it is seen.
     *
     * @param what its name
     * @param path where it is, or would be
     * @param there whether it is there
     * @param writable whether this user may write to it, or make it when it is not there
     * @param owner its owner; empty when it is not there
     * @param mode its permissions; none when it is not there
     */
    record Entry(
            String what, Path path, boolean there, boolean writable, String owner, Set<PosixFilePermission> mode) {}

    private final Folders folders;
    private final boolean root;
    private final String me;

    /**
     * @param root whether this process is root's
     * @param me the name of its user
     */
    Permissions(Folders folders, boolean root, String me) {
        this.folders = folders;
        this.root = root;
        this.me = me;
    }

    @Override
    public String name() {
        return "permissions";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        var findings = new ArrayList<Finding>();
        findings.add(folder(look("Data folder", folders.data()), me));
        findings.add(folder(look("Cache folder", folders.cache()), me));
        var secrets = new ArrayList<Entry>();
        for (String secret : SECRETS) {
            secrets.add(look(secret, folders.data().resolve(secret)));
        }
        findings.addAll(secrets(secrets, me));
        if (root) {
            var missing = new ArrayList<String>();
            for (String user : SYSTEM_USERS) {
                if (!isUser(user)) {
                    missing.add(user);
                }
            }
            findings.add(users(SYSTEM_USERS, missing));
            findings.addAll(closed(closedAbove(folders.cache()), "sallyport"));
        } else {
            findings.add(namespaces(tryNamespace(), me));
        }
        return findings;
    }

    private static Entry look(String what, Path path) throws IOException {
        if (Files.exists(path)) {
            return new Entry(
                    what, path, true, Files.isWritable(path), Paths.owner(path), Files.getPosixFilePermissions(path));
        }
        return new Entry(what, path, false, Files.isWritable(Paths.nearest(path)), "", Set.of());
    }

    private static boolean isUser(String name) throws IOException {
        try {
            Path.of("/").getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(name);
            return true;
        } catch (UserPrincipalNotFoundException e) {
            return false;
        }
    }

    /** The folders on the way down to {@code path} that others cannot pass. */
    private static List<Path> closedAbove(Path path) throws IOException {
        var closed = new ArrayList<Path>();
        for (Path at = Paths.nearest(path); at != null; at = at.getParent()) {
            if (!Files.getPosixFilePermissions(at).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                closed.add(at);
            }
        }
        return closed;
    }

    /** Why a namespace with users of its own, as image builds need one, cannot be made; empty when it can. */
    private static Optional<String> tryNamespace() throws IOException, InterruptedException {
        try {
            Command.Result result = Command.run(
                    DEADLINE, "", List.of("unshare", "--user", "--map-root-user", "--map-auto", "--mount", "true"));
            return result.ok() ? Optional.empty() : Optional.of(String.join(" ", result.lastLines()));
        } catch (FailureException e) {
            return Optional.of(e.reason().detail());
        }
    }

    static Finding folder(Entry seen, String me) {
        String name = seen.what() + " " + seen.path();
        if (!seen.there()) {
            return seen.writable()
                    ? Finding.ok(name + " is not there yet, and can be made.")
                    : Finding.broken(
                            name + " is not there, and " + me + " may not make it.",
                            "Make it and give it to " + me + ": 'sudo install -d -o " + me + " -m 0755 " + seen.path()
                                    + "'. Or choose another by SALLYPORT_DATA or SALLYPORT_CACHE.");
        }
        String is = name + " (" + seen.owner() + ", " + PosixFilePermissions.toString(seen.mode()) + ")";
        if (!seen.writable()) {
            return Finding.broken(
                    is + " cannot be written by " + me + ".",
                    "Run Sallyport as " + seen.owner() + ", or choose another folder.");
        }
        if (isWide(seen.mode())) {
            return Finding.broken(
                    is + " can be written by others, who could put their own files there.",
                    "'chmod go-w " + seen.path() + "'.");
        }
        return seen.owner().equals(me)
                ? Finding.ok(is + ".")
                : Finding.warning(is + " is not " + me + "'s.", "'sudo chown " + me + " " + seen.path() + "'.");
    }

    private static boolean isWide(Set<PosixFilePermission> mode) {
        return mode.contains(PosixFilePermission.GROUP_WRITE) || mode.contains(PosixFilePermission.OTHERS_WRITE);
    }

    static List<Finding> secrets(List<Entry> all, String me) {
        var findings = new ArrayList<Finding>();
        var good = new ArrayList<String>();
        for (Entry secret : all) {
            String mode = PosixFilePermissions.toString(secret.mode());
            if (!secret.there()) {
                continue;
            }
            if (!mode.matches("r[w-]-------")) {
                findings.add(Finding.broken(
                        secret.what() + " is open to others (" + mode + "), and is refused.",
                        "'chmod 0600 " + secret.path() + "'; if others can have read it, make a new one."));
            } else if (!secret.owner().equals(me)) {
                findings.add(Finding.broken(
                        secret.what() + " is " + secret.owner() + "'s, not " + me + "'s.",
                        "Run Sallyport as " + secret.owner() + ", or 'sudo chown " + me + " " + secret.path() + "'."));
            } else {
                good.add(secret.what());
            }
        }
        if (!good.isEmpty()) {
            findings.add(Finding.ok("Only " + me + " can read " + String.join(", ", good) + "."));
        }
        return findings;
    }

    static Finding users(List<String> wanted, List<String> missing) {
        if (missing.isEmpty()) {
            return Finding.ok("The system users " + String.join(" and ", wanted) + " are there.");
        }
        return Finding.broken(
                "There is no system user " + String.join(" and none ", missing)
                        + ", as whom machines (sallyport) and the database (sallyport-db) run.",
                "Any verb but this one makes them, as root. Or: 'useradd --system --user-group --no-create-home --home-dir"
                        + " /nonexistent --shell /usr/sbin/nologin " + missing.getFirst() + "'.");
    }

    static List<Finding> closed(List<Path> closed, String user) {
        return closed.isEmpty()
                ? List.of()
                : List.of(Finding.broken(
                        "The system user " + user + " cannot reach the cache folder: " + closed.getLast()
                                + " lets nobody pass.",
                        "'chmod o+x " + closed.getLast() + "', or choose another folder by SALLYPORT_CACHE."));
    }

    static Finding namespaces(Optional<String> refusal, String me) {
        return refusal.isEmpty()
                ? Finding.ok("User namespaces work: images can be built without root.")
                : Finding.broken(
                        "User namespaces do not work, so images cannot be built without root: " + refusal.get() + ".",
                        "Install uidmap; give " + me
                                + " a range ('sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
                                + me
                                + "'); allow them (sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu"
                                + " kernel.apparmor_restrict_unprivileged_userns=0). Or run Sallyport as root.");
    }
}
