package dev.sallyport.controller.pool;

import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.model.InvalidIdException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The folder that each machine has for its disks, sockets and console log, and what is kept of it. */
final class MachineFolders {
    private static final Logger LOG = LoggerFactory.getLogger(MachineFolders.class);

    private final Path folders;
    private final ConsoleLogs consoles;

    /** @param data the data folder */
    MachineFolders(Path data) {
        this.folders = data.resolve("machines");
        this.consoles = new ConsoleLogs(data);
    }

    Path of(MachineId id) {
        return folders.resolve(id.value());
    }

    Path make(MachineId id) {
        try {
            return Files.createDirectories(of(id));
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of machine " + id + " cannot be made", e);
        }
    }

    /** The machines that have one. */
    List<MachineId> present() {
        List<MachineId> present = new ArrayList<>();
        if (!Files.isDirectory(folders)) {
            return present;
        }
        try (var all = Files.newDirectoryStream(folders, "m-*")) {
            for (Path each : all) {
                present.add(new MachineId(each.getFileName().toString()));
            }
        } catch (IOException | InvalidIdException e) {
            LOG.warn("The folder of machines could not be looked through: {}", e.toString());
        }
        return present;
    }

    /** Keeps the console, which is whole now, also of a machine whose start failed halfway; the rest goes. */
    void remove(MachineId id, List<String> errors) {
        try {
            consoles.keep(id);
        } catch (IOException e) {
            LOG.warn("The console log of {} could not be kept", id, e);
        }
        removeFiles(of(id), errors);
    }

    /** Removes one of which nothing is worth keeping. */
    void discard(MachineId id) {
        List<String> errors = new ArrayList<>();
        removeFiles(of(id), errors);
        if (!errors.isEmpty()) {
            LOG.warn("What is left of {}: {}", id, errors); // Nobody knows of it, and so the next round tries again.
        }
    }

    private static void removeFiles(Path folder, List<String> errors) {
        if (!Files.exists(folder)) {
            return;
        }
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            errors.add("the folder " + folder + ": " + e);
        }
    }
}
