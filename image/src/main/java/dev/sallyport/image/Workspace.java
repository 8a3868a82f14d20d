package dev.sallyport.image;

import dev.sallyport.image.journal.BuildJournal;
import dev.sallyport.image.journal.Thing;
import dev.sallyport.image.journal.Undoing;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * A folder inside the store for one thing that is being made, with the journal of all that is made on the way. When its owner dies,
 * whoever opens the store next undoes what the journal names.
 */
public final class Workspace implements AutoCloseable {
    private static final String FOLDER = "work";

    private final String about;
    private final BuildJournal journal;
    private int processes;

    private Workspace(String about, BuildJournal journal) {
        this.about = about;
        this.journal = journal;
    }

    /** Makes one in a journal that was just begun, which it owns. */
    static Workspace create(String about, BuildJournal journal) throws IOException {
        var workspace = new Workspace(about, journal);
        try {
            workspace.make(FOLDER, "", "rwx------");
            return workspace;
        } catch (IOException | RuntimeException e) {
            try {
                workspace.close();
            } catch (FailureException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    private Path make(String name, String suffix, String permissions) throws IOException {
        journal.intend(new Thing(Thing.Kind.FOLDER, name, about + suffix));
        Path folder = journal.home().resolve(name);
        Files.createDirectory(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)));
        // Whatever the umask.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(permissions));
        return folder;
    }

    /** Where to make things. */
    public Path folder() {
        return journal.home().resolve(FOLDER);
    }

    /** A folder of its own that every user can enter, on the system's disk for temporary files. */
    public Path outside() throws IOException {
        Path folder = Undoing.outside(journal.home());
        try {
            return make(folder.toString(), ", outside", "rwx--x--x");
        } catch (FileAlreadyExistsException e) {
            throw new IOException("somebody else has made " + folder, e);
        }
    }

    /** What was made for it, and where a thing is written down before it is made. */
    public BuildJournal journal() {
        return journal;
    }

    /**
     * A process that is about to be started.
     *
     * @param program for people
     * @return it ends the process, with all that it has started, when it is closed
     */
    public Running process(String program) throws IOException {
        processes++;
        var thing = new Thing(Thing.Kind.PROCESS, journal.freshName(), about + " " + processes + ", " + program);
        journal.intend(thing);
        return new Running(journal, thing);
    }

    /** A process that was written down. */
    public static final class Running implements AutoCloseable {
        private final BuildJournal journal;
        private final Thing thing;

        private Running(BuildJournal journal, Thing thing) {
            this.journal = journal;
            this.thing = thing;
        }

        /** What must be in its environment, as {@link dev.sallyport.image.journal.MarkedProcesses#VARIABLE}. */
        public String marker() {
            return thing.name();
        }

        /** Tells who follows the build's steps that it runs. */
        public void started() {
            journal.hook().after("start " + thing);
        }

        @Override
        public void close() {
            check(journal.undo(thing), "could not be ended");
        }
    }

    /** Undoes all that was made for it. */
    @Override
    public void close() {
        List<String> errors = new ArrayList<>(journal.undoAll());
        try {
            journal.close();
        } catch (IOException e) {
            errors.add("closing the journal of " + about + ": " + e);
        }
        check(errors, "could not be removed");
    }

    private static void check(List<String> errors, String what) {
        if (errors.isEmpty()) {
            return;
        }
        CauseCode code =
                errors.stream().anyMatch(Failures::isDiskFull) ? CauseCode.DISK_FULL : CauseCode.IMAGE_BUILD_FAILED;
        throw new FailureException(new Cause(code, "What a build has made " + what + ".", errors));
    }

    /** The failure of a workspace that cannot be made. */
    static FailureException notMade(IOException e) {
        return Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a temporary folder could not be made", e);
    }
}
