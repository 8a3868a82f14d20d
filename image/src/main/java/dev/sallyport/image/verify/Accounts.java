package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.FileTree.Node;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The users and groups of a tree (passwd(5), group(5)), and those that sysusers.d(5) makes before services start. */
final class Accounts {
    private static final int MAX_TABLE = 1 << 20;

    /** @param home empty when it has none */
    record User(String name, long uid, long gid, String home) {}

    /** Who a service runs as. */
    record Identity(long uid, Set<Long> gids) {
        /** Whether it may do what {@code bit} (4, 2 or 1) stands for. */
        boolean may(Node node, int bit) {
            if (uid == 0) {
                return bit != 1 || node.kind() == Kind.FOLDER || node.executable();
            }
            int shift = node.uid() == uid ? 6 : gids.contains(node.gid()) ? 3 : 0;
            return (node.mode() >> shift & bit) != 0;
        }
    }

    static final Identity ROOT = new Identity(0, Set.of(0L));

    private final Map<String, User> users = new HashMap<>();
    private final Map<String, Long> groups = new HashMap<>();
    private final Map<String, Set<Long>> memberships = new HashMap<>();
    private final Set<String> madeUsers = new HashSet<>();
    private final Set<String> madeGroups = new HashSet<>();

    Accounts(Tree tree) throws IOException {
        for (String[] fields : table(tree, "/etc/passwd", 6)) {
            if (isNumber(fields[2]) && isNumber(fields[3])) {
                users.putIfAbsent(
                        fields[0],
                        new User(fields[0], Long.parseLong(fields[2]), Long.parseLong(fields[3]), fields[5]));
            }
        }
        for (String[] fields : table(tree, "/etc/group", 3)) {
            if (isNumber(fields[2])) {
                groups.putIfAbsent(fields[0], Long.parseLong(fields[2]));
                for (String member : fields.length > 3 ? fields[3].split(",", -1) : new String[0]) {
                    memberships
                            .computeIfAbsent(member, ignored -> new HashSet<>())
                            .add(Long.parseLong(fields[2]));
                }
            }
        }
        for (String folder : List.of("/etc/sysusers.d", "/usr/local/lib/sysusers.d", "/usr/lib/sysusers.d")) {
            for (String file : Globs.expand(tree, folder + "/*.conf")) {
                made(tree, file);
            }
        }
    }

    private static List<String[]> table(Tree tree, String path, int fields) throws IOException {
        Optional<Entry> file = tree.find(path);
        return file.isEmpty()
                ? List.of()
                : file.get()
                        .text(MAX_TABLE)
                        .lines()
                        .map(line -> line.split(":", -1))
                        .filter(parts -> parts.length >= fields)
                        .toList();
    }

    private void made(Tree tree, String path) throws IOException {
        Optional<Entry> file = tree.find(path);
        if (file.isEmpty() || file.get().kind() != Kind.FILE) {
            return;
        }
        for (String line : file.get().text(MAX_TABLE).split("\n", -1)) {
            String[] words = line.strip().split("\\s+", -1);
            if (words.length >= 2 && words[0].startsWith("u")) {
                madeUsers.add(words[1]);
                madeGroups.add(words[1]);
            } else if (words.length >= 2 && words[0].startsWith("g")) {
                madeGroups.add(words[1]);
            }
        }
    }

    static boolean isNumber(String text) {
        return text.matches("[0-9]{1,10}");
    }

    Optional<User> user(String nameOrNumber) {
        if (isNumber(nameOrNumber)) {
            long uid = Long.parseLong(nameOrNumber);
            return users.values().stream().filter(user -> user.uid() == uid).findFirst();
        }
        return Optional.ofNullable(users.get(nameOrNumber));
    }

    boolean hasUser(String nameOrNumber) {
        return isNumber(nameOrNumber) || users.containsKey(nameOrNumber);
    }

    boolean hasGroup(String nameOrNumber) {
        return isNumber(nameOrNumber) || groups.containsKey(nameOrNumber);
    }

    boolean makesUser(String name) {
        return madeUsers.contains(name);
    }

    boolean makesGroup(String name) {
        return madeGroups.contains(name);
    }

    /** All users with a home of their own. */
    List<User> withHomes() {
        return users.values().stream().filter(user -> user.home().length() > 1).toList();
    }

    /** Who a unit with these settings runs as; empty when that cannot be told before a boot. */
    Optional<Identity> identity(String user, String group, List<String> more) {
        if (user.isEmpty() && group.isEmpty()) {
            return Optional.of(ROOT);
        }
        Optional<User> account = user(user.isEmpty() ? "root" : user);
        if (account.isEmpty()) {
            return Optional.empty();
        }
        Set<Long> gids = new HashSet<>(memberships.getOrDefault(account.get().name(), Set.of()));
        gids.add(group.isEmpty() ? account.get().gid() : number(group));
        more.forEach(one -> gids.add(number(one)));
        return Optional.of(new Identity(account.get().uid(), gids));
    }

    private long number(String group) {
        return isNumber(group) ? Long.parseLong(group) : groups.getOrDefault(group, -1L);
    }
}
