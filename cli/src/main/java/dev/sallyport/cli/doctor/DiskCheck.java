package dev.sallyport.cli.doctor;

import dev.sallyport.machine.Command;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Room for data and caches, and what kind of file system they lie on. */
final class DiskCheck implements Check {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final long WARN_BELOW = 10L << 30;
    private static final long BROKEN_BELOW = 2L << 30;
    private static final int WARN_INODES_PERCENT = 5;
    private static final long BROKEN_INODES = 1000;
    private static final Pattern INODES = Pattern.compile("(\\d+) (\\d+)");

    private static final Set<String> NETWORK = Set.of(
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "9p",
            "afs",
            "ceph",
            "lustre",
            "glusterfs",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.rclone");

    /**
     * What was seen of one folder.
     *
     * @param what the folder's name
     * @param path where it is, or would be
     * @param durable whether its content cannot be made again
     * @param type the file system's
     * @param free bytes that this user may write
     * @param inodesFree files that can still be made
     * @param inodes files in all; 0 where the file system has no such limit
     */
    record Room(String what, Path path, boolean durable, String type, long free, long inodesFree, long inodes) {}

    private final Folders folders;

    DiskCheck(Folders folders) {
        this.folders = folders;
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        return List.of(judge(look("Data", folders.data(), true)), judge(look("Cache", folders.cache(), false)));
    }

    private static Room look(String what, Path folder, boolean durable) throws IOException, InterruptedException {
        Path there = Paths.nearest(folder);
        FileStore store = Files.getFileStore(there);
        Command.Result inodes =
                Command.run(DEADLINE, "", List.of("stat", "--file-system", "--format=%d %c", there.toString()));
        Matcher matcher = INODES.matcher(inodes.output());
        boolean told = matcher.find();
        return new Room(
                what,
                folder,
                durable,
                store.type(),
                store.getUsableSpace(),
                told ? Long.parseLong(matcher.group(1)) : 0,
                told ? Long.parseLong(matcher.group(2)) : 0);
    }

    static Finding judge(Room room) {
        var wrong = new ArrayList<String>();
        var remedies = new ArrayList<String>();
        State state = State.OK;
        if (room.free() < WARN_BELOW) {
            state = room.free() < BROKEN_BELOW ? State.BROKEN : State.WARNING;
            remedies.add(
                    room.durable()
                            ? "Make room: old logs lie in " + room.path().resolve("logs") + "."
                            : "Make room: all of " + room.path() + " can be removed and is made again.");
        }
        if (room.inodes() > 0 && room.inodesFree() * 100 / room.inodes() < WARN_INODES_PERCENT) {
            State files = room.inodesFree() < BROKEN_INODES ? State.BROKEN : State.WARNING;
            state = files.compareTo(state) > 0 ? files : state;
            wrong.add("only " + room.inodesFree() + " of " + room.inodes() + " files can still be made");
            remedies.add("Remove small files, or make a file system with more inodes.");
        }
        boolean network = NETWORK.contains(room.type().toLowerCase(Locale.ROOT));
        if (room.durable() && (network || room.type().equals("tmpfs"))) {
            state = state == State.OK ? State.WARNING : state;
            wrong.add(
                    network
                            ? "a network file system may lose locks and what was flushed"
                            : "what lies in memory is gone with the next boot");
            remedies.add("Choose a folder on a local disk by SALLYPORT_DATA.");
        }
        String text = room.what() + " folder " + room.path() + ": " + Paths.gib(room.free()) + " free on " + room.type()
                + (wrong.isEmpty() ? "." : "; " + String.join("; ", wrong) + ".");
        return new Finding(state, text, String.join(" ", remedies));
    }
}
