package dev.sallyport.agent.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A user of the system, as in passwd(5).
 *
 * @param name its name
 * @param uid its number
 * @param gid its group's number
 */
public record Account(String name, int uid, int gid) {
    /**
     * Finds it in {@code passwd}.
     *
     * @throws IOException when the file cannot be read or does not have it
     */
    public static Account find(Path passwd, String name) throws IOException {
        for (String line : Files.readAllLines(passwd)) {
            String[] fields = line.split(":", -1);
            if (fields.length >= 4 && fields[0].equals(name)) {
                return new Account(name, Integer.parseInt(fields[2]), Integer.parseInt(fields[3]));
            }
        }
        throw new IOException(passwd + " has no user " + name);
    }

    /** {@code command}, run as {@code account} for good (setpriv(1)), or as whoever the agent is when there is none. */
    public static List<String> commandAs(Optional<Account> account, List<String> command) {
        if (account.isEmpty()) {
            return command;
        }
        var whole = new ArrayList<>(List.of(
                "/usr/bin/setpriv",
                "--reuid=" + account.get().uid(),
                "--regid=" + account.get().gid(),
                "--clear-groups",
                "--no-new-privs",
                "--"));
        whole.addAll(command);
        return whole;
    }
}
