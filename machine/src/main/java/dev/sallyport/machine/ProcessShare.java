package dev.sallyport.machine;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The share of the processors that a process group has that is a session of its own, with all of its threads: setpriority(2), and where
 * the kernel groups processes by their sessions, which makes the former count within the session alone, {@code /proc/PID/autogroup}
 * (sched(7), "The autogroup feature").
 *
 * <p>Only root may give back what was taken, and so nobody else takes it.
 */
public final class ProcessShare {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessShare.class);
    private static final int PRIO_PGRP = 1;

    private static final CLibrary LIBRARY = new CLibrary();
    private static final boolean ROOT = LIBRARY.call("geteuid").status() == 0;

    private ProcessShare() {}

    /** Sets it for the group that {@code leader} leads; nothing happens when that has ended. */
    public static void set(ProcessHandle leader, Share share) {
        if (!ROOT || !leader.isAlive()) {
            return;
        }
        CLibrary.Result result = LIBRARY.call("setpriority", PRIO_PGRP, leader.pid(), share.niceness());
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
