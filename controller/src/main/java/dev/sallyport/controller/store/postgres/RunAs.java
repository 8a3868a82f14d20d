package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * As whom the server runs. PostgreSQL refuses to run as root, so as root it steps down to a system user by setpriv (util-linux);
 * otherwise it runs as whoever runs this.
 */
final class RunAs {
    private final @Nullable UserPrincipal user;

    private RunAs(@Nullable UserPrincipal user) {
        this.user = user;
    }

    static RunAs of(String systemUser) throws IOException {
        if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
            return new RunAs(null);
        }
        try {
            return new RunAs(
                    Path.of("/").getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(systemUser));
        } catch (UserPrincipalNotFoundException e) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "There is no system user '" + systemUser + "', and PostgreSQL does not run as root: run 'useradd"
                            + " --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "
                            + systemUser + "'.");
        }
    }

    /** True when the server's folders belong to another user than this process's. */
    boolean stepsDown() {
        return user != null;
    }

    /** Gives {@code path} to the server's user. */
    void own(Path path) throws IOException {
        if (user != null) {
            Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setOwner(user);
        }
    }

    /**
     * Makes sure that the server's user can pass through all folders down to {@code path}.
     *
     * @throws FailureException {@link CauseCode#DATABASE_FAILED} when it cannot
     */
    void mustReach(Path path) throws IOException, InterruptedException {
        if (user == null) {
            return;
        }
        Process test = command(List.of("test", "-x", path.toAbsolutePath().toString()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (test.waitFor() != 0) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "The system user '" + user.getName() + "', as which the database runs, cannot reach " + path
                            + ": every folder above it must let others pass (chmod o+x), or choose another folder.");
        }
    }

    /**
     * What starts {@code command} as the server's user, in a session of its own: a terminal's Ctrl-C goes to this process, which
     * ends the server when its work is done. Both steps replace themselves, so that the process id is the command's.
     */
    ProcessBuilder command(List<String> command) {
        List<String> all = new ArrayList<>(List.of("setsid"));
        if (user != null) {
            all.addAll(List.of(
                    "setpriv",
                    "--reuid=" + user.getName(),
                    "--regid=" + user.getName(),
                    "--clear-groups",
                    "--inh-caps=-all",
                    "--no-new-privs"));
        }
        all.addAll(command);
        var builder = new ProcessBuilder(all);
        // Nothing of this process's environment is the server's business; it may hold the master key.
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL", "C", "TZ", "UTC"));
        builder.directory(Path.of("/").toFile());
        return builder;
    }
}
