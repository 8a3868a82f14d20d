package dev.sallyport.acceptance.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A program that stands between the controller and QEMU: it runs the real one, with arguments that a fault changes, and writes
 * down whose process it became.
 */
final class Knobs {
    /** What it changes. */
    enum Change {
        NOTHING,
        /** No network device. */
        NO_NETWORK,
        /** A real-time clock that is years ahead. */
        FAR_CLOCK,
        /** Little memory. */
        LITTLE_MEMORY
    }

    private static final String SCRIPT = """
            #!/bin/sh
            # Runs QEMU with what the fault at hand changes; see the fault suite.
            change=$(cat 'FOLDER/change')
            echo $$ >'FOLDER/pid'
            count=$#
            while [ "$count" -gt 0 ]; do
              argument=$1; shift; count=$((count - 1))
              case "$change:$argument" in
                NO_NETWORK:-device)
                  case "$1" in virtio-net*) shift; count=$((count - 1)); continue ;; esac ;;
                LITTLE_MEMORY:-m) set -- "$@" -m; shift; argument=160M; count=$((count - 1)) ;;
              esac
              set -- "$@" "$argument"
            done
            if [ "$change" = FAR_CLOCK ]; then set -- "$@" -rtc base=2031-05-05; fi
            exec qemu-system-x86_64 "$@"
            """;

    private final Path folder;

    private Knobs(Path folder) {
        this.folder = folder;
    }

    static Knobs make(Path folder) throws IOException {
        Files.createDirectories(folder);
        var knobs = new Knobs(folder);
        knobs.set(Change.NOTHING);
        Files.writeString(knobs.program(), SCRIPT.replace("FOLDER", folder.toString()));
        Files.setPosixFilePermissions(knobs.program(), PosixFilePermissions.fromString("rwxr-xr-x"));
        return knobs;
    }

    /** The program to give to the controller. */
    Path program() {
        return folder.resolve("hypervisor");
    }

    void set(Change change) {
        try {
            Files.writeString(folder.resolve("change"), change.name());
        } catch (IOException e) {
            throw new UncheckedIOException("the fault's change cannot be set", e);
        }
    }

    /** Takes the program away, or brings it back. */
    void present(boolean wanted) {
        Path away = folder.resolve("taken-away");
        try {
            if (wanted != Files.exists(program())) {
                Files.move(wanted ? away : program(), wanted ? program() : away);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the hypervisor cannot be moved", e);
        }
    }

    /** Sends a signal to the QEMU that was started last. */
    void signal(String name) {
        try {
            Run.command(
                    "kill", "-" + name, Files.readString(folder.resolve("pid")).strip());
        } catch (IOException e) {
            throw new UncheckedIOException("no QEMU was started", e);
        }
    }
}
