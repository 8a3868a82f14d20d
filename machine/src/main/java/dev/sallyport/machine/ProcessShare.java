package dev.sallyport.machine;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The share of the processors that a process group has that is a session of its own, with all of its threads: setpriority(2), and where
 * the kernel groups processes by their sessions, which makes the former count within the session alone, {@code /proc/PID/autogroup}
 * (sched(7), "The autogroup feature").
 *
 * <p>To give back what was taken is a right (capabilities(7): CAP_SYS_NICE, and at any time CAP_SYS_ADMIN), and so who lacks it takes nothing.
 */
public final class ProcessShare {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessShare.class);
    private static final int PRIO_PGRP = 1;

    private static final int CAP_SYS_ADMIN = 21;
    private static final int CAP_SYS_NICE = 23;
    private static final String EFFECTIVE = "CapEff:";
    private static final boolean PERMITTED = rights();

    private ProcessShare() {}

    /** Whether this process may set it. */
    static boolean isPermitted() {
        return PERMITTED;
    }

    private static boolean rights() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"), StandardCharsets.ISO_8859_1)) {
            long all = lines.filter(line -> line.startsWith(EFFECTIVE))
                    .mapToLong(line -> Long.parseUnsignedLong(
                            line.substring(EFFECTIVE.length()).strip(), 16))
                    .findFirst()
                    .orElse(0);
            return (all >> CAP_SYS_ADMIN & all >> CAP_SYS_NICE & 1) == 1;
        } catch (IOException e) {
            return false;
        }
    }

    /** Sets it for the group that {@code leader} leads; nothing happens when that has ended. */
    public static void set(ProcessHandle leader, Share share) {
        if (!PERMITTED || !leader.isAlive()) {
            return;
        }
        CLibrary.Result result = CLibrary.call("setpriority", PRIO_PGRP, leader.pid(), share.niceness());
        if (result.status() == -1) {
            LOG.debug("the niceness of process group {}: error {}", leader.pid(), result.errno());
        }
        try {
            Files.writeString(
                    Path.of("/proc", Long.toString(leader.pid()), "autogroup"),
                    share.niceness() + "\n",
                    StandardCharsets.US_ASCII);
        } catch (IOException e) {
            LOG.debug("the group of session {}: {}", leader.pid(), e.toString()); // Not every kernel has them.
        }
    }
}
