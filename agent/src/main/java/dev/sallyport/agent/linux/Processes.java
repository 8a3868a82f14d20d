package dev.sallyport.agent.linux;

import dev.sallyport.agent.linux.Launch.Streams.Control;
import dev.sallyport.agent.linux.Launch.Streams.Pipes;
import dev.sallyport.agent.linux.Launch.Streams.Terminal;
import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Starts processes, each as the leader of a session and process group of its own, by posix_spawn(3): no fork of the JVM, no
 * descriptor leaks into the child, and its controlling terminal is the one that it is given.
 */
public final class Processes {
    private static final int SPAWN_SETSIGDEF = 0x04;
    private static final int SPAWN_SETSIGMASK = 0x08;
    private static final int SPAWN_SETSID = 0x80;
    private static final int PRIO_PGRP = 1;

    /** Room for glibc's posix_spawn_file_actions_t (80 bytes), posix_spawnattr_t (336) and sigset_t (128). */
    private static final int OPAQUE = 512;

    private final Libc libc = new Libc();

    /**
     * Starts a process.
     *
     * @param launch what
     * @param output told of each piece of its output, by one thread of its own
     * @throws IOException when it cannot be started; nothing is left then
     */
    public Child start(Launch launch, OutputListener output) throws IOException {
        String program = find(launch.command().getFirst(), launch.environment().get("PATH"))
                .orElseThrow(() -> new IOException(launch.command().getFirst() + " is not there"));
        var own = new ArrayList<Integer>();
        var childs = new ArrayList<Integer>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(OPAQUE, 16);
            CLibrary.needZero("posix_spawn_file_actions_init", actions.address());
            MemorySegment attributes = arena.allocate(OPAQUE, 16);
            CLibrary.needZero("posix_spawnattr_init", attributes.address());
            try {
                Ends ends = connect(launch.streams(), arena, actions, own, childs);
                addDirectory(launch.directory(), arena, actions);
                int kept = launch.streams() instanceof Control ? 5 : 3;
                CLibrary.needZero("posix_spawn_file_actions_addclosefrom_np", actions.address(), kept);
                setAttributes(arena, attributes);
                MemorySegment pid = arena.allocate(ValueLayout.JAVA_INT);
                CLibrary.needZero(
                        "posix_spawn",
                        pid.address(),
                        arena.allocateFrom(program).address(),
                        actions.address(),
                        attributes.address(),
                        Libc.strings(arena, launch.command()).address(),
                        Libc.strings(arena, launch.environmentLines()).address());
                int leader = pid.get(ValueLayout.JAVA_INT, 0);
                // Who may not is no machine's agent, and is as its children are.
                CLibrary.call("setpriority", PRIO_PGRP, leader, launch.niceness());
                var child = new Child(libc, leader, ends, output);
                own.clear();
                return child;
            } finally {
                CLibrary.needZero("posix_spawn_file_actions_destroy", actions.address());
                CLibrary.needZero("posix_spawnattr_destroy", attributes.address());
            }
        } finally {
            childs.forEach(libc::close);
            own.forEach(libc::close);
        }
    }

    /** Makes a FIFO (mkfifo(3)). */
    public void makeFifo(Path path, int mode) throws IOException {
        libc.makeFifo(path.toString(), mode);
        // mkfifo(3) takes the process's umask off the mode.
        libc.chmod(path.toString(), mode);
    }

    /** Gives a file to another user, without following a link. */
    public void give(Path path, Account account) throws IOException {
        libc.chown(path.toString(), account.uid(), account.gid());
    }

    /** Where a program lies that is named by its path, or by its name along {@code searchPath}. */
    public static Optional<String> find(String program, @Nullable String searchPath) {
        if (program.indexOf('/') >= 0) {
            return Optional.of(program).filter(path -> Files.isExecutable(Path.of(path)));
        }
        for (String folder : (searchPath == null ? "" : searchPath).split(":", -1)) {
            Path path = Path.of(folder, program);
            if (!folder.isEmpty() && Files.isRegularFile(path) && Files.isExecutable(path)) {
                return Optional.of(path.toString());
            }
        }
        return Optional.empty();
    }

    /** The agent's ends: what it writes to, what it reads from, and with {@link Control} the reading end of descriptor 4, else -1. */
    record Ends(int input, int output, int control, boolean terminal) {}

    private Ends connect(
            Launch.Streams streams, Arena arena, MemorySegment actions, List<Integer> own, List<Integer> childs)
            throws IOException {
        return switch (streams) {
            case Pipes() -> {
                Libc.Pipe in = pipe(own, childs, true);
                Libc.Pipe out = pipe(own, childs, false);
                duplicate(actions, in.reading(), 0);
                duplicate(actions, out.writing(), 1);
                duplicate(actions, out.writing(), 2);
                yield new Ends(in.writing(), out.reading(), -1, false);
            }
            case Control() -> {
                Libc.Pipe in = pipe(own, childs, true);
                Libc.Pipe out = pipe(own, childs, false);
                Libc.Pipe control = pipe(own, childs, false);
                addOpen(arena, actions, 0, "/dev/null", Libc.O_RDONLY);
                duplicate(actions, out.writing(), 1);
                duplicate(actions, out.writing(), 2);
                duplicate(actions, in.reading(), 3);
                duplicate(actions, control.writing(), 4);
                yield new Ends(in.writing(), out.reading(), control.reading(), false);
            }
            case Terminal(int rows, int columns) -> {
                int master = libc.openPty();
                own.add(master);
                libc.windowSize(master, rows, columns);
                // The first terminal that a session's leader opens becomes its controlling one (tty(4)), and the
                // attributes (SETSID) are applied before the file actions.
                addOpen(arena, actions, 0, libc.ptyName(master), Libc.O_RDWR);
                duplicate(actions, 0, 1);
                duplicate(actions, 0, 2);
                yield new Ends(master, master, -1, true);
            }
        };
    }

    private Libc.Pipe pipe(List<Integer> own, List<Integer> childs, boolean toChild) throws IOException {
        Libc.Pipe pipe = libc.pipe();
        own.add(toChild ? pipe.writing() : pipe.reading());
        childs.add(toChild ? pipe.reading() : pipe.writing());
        return pipe;
    }

    private void duplicate(MemorySegment actions, int from, int to) throws IOException {
        CLibrary.needZero("posix_spawn_file_actions_adddup2", actions.address(), from, to);
    }

    private void addOpen(Arena arena, MemorySegment actions, int descriptor, String path, int flags)
            throws IOException {
        CLibrary.needZero(
                "posix_spawn_file_actions_addopen",
                actions.address(),
                descriptor,
                arena.allocateFrom(path).address(),
                flags,
                0);
    }

    private void addDirectory(Path directory, Arena arena, MemorySegment actions) throws IOException {
        CLibrary.needZero(
                "posix_spawn_file_actions_addchdir_np",
                actions.address(),
                arena.allocateFrom(directory.toString()).address());
    }

    /** A session of its own, and no signal blocked or ignored because the JVM or whoever started it did so. */
    private void setAttributes(Arena arena, MemorySegment attributes) throws IOException {
        MemorySegment all = arena.allocate(OPAQUE, 8);
        CLibrary.need("sigfillset", all.address());
        MemorySegment none = arena.allocate(OPAQUE, 8);
        CLibrary.need("sigemptyset", none.address());
        CLibrary.needZero("posix_spawnattr_setsigdefault", attributes.address(), all.address());
        CLibrary.needZero("posix_spawnattr_setsigmask", attributes.address(), none.address());
        CLibrary.needZero(
                "posix_spawnattr_setflags", attributes.address(), SPAWN_SETSID | SPAWN_SETSIGDEF | SPAWN_SETSIGMASK);
    }
}
