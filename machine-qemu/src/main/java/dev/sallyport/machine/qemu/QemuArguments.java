package dev.sallyport.machine.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** QEMU's command line, in the order in which it is written. File names go into JSON, where commas mean nothing. */
final class QemuArguments {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * All that QEMU can be, but for fast string operations (ERMS): a guest that has them copies and clears memory byte by byte, which is one step of
     * a processor's and a loop of an emulator's, and by words where it has not.
     */
    static final String EMULATED_CPU = "max,erms=off";

    /** What a machine wrote is worth nothing once its host has crashed. */
    private static final Map<String, Boolean> NO_FLUSH = Map.of("direct", false, "no-flush", true);

    /**
     * Guest memory.
     *
     * @param mib its size in MiB
     * @param file where it lies; null for memory of no file
     * @param shared whether the guest's writes go to the file; else they are its own
     */
    record Memory(int mib, @Nullable Path file, boolean shared) {
        static Memory of(int mib) {
            return new Memory(mib, null, false);
        }
    }

    private final QemuOptions.Board board;
    private final List<String> arguments = new ArrayList<>();

    /**
     * The machine without its devices.
     *
     * @param options the program and the board
     * @param kvm false for emulation
     * @param memory guest memory
     * @param cpus virtual processors
     * @param translationMib size of the cache of translated code; the default would double the process's memory
     */
    QemuArguments(QemuOptions options, boolean kvm, Memory memory, int cpus, int translationMib) {
        this.board = options.board();
        add(options.binary(), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none");
        add("-msg", "timestamp=off");
        Path file = memory.file();
        if (file == null) {
            add("-machine", board.argument());
        } else {
            add(
                    "-object",
                    json(Map.of(
                            "qom-type",
                            "memory-backend-file",
                            "id",
                            "memory",
                            "size",
                            (long) memory.mib() << 20,
                            "mem-path",
                            file.toString(),
                            "share",
                            memory.shared())));
            add("-machine", board.argument() + ",memory-backend=memory");
        }
        if (kvm) {
            add("-accel", "kvm", "-cpu", "host");
        } else {
            add("-accel", "tcg,tb-size=" + translationMib, "-cpu", EMULATED_CPU);
        }
        add("-m", memory.mib() + "M", "-smp", Integer.toString(cpus));
        if (board == QemuOptions.Board.MICROVM) {
            add("-global", "virtio-mmio.force-legacy=false");
        }
    }

    private void add(String... more) {
        arguments.addAll(List.of(more));
    }

    /**
     * Gives up rights. QEMU opens its files, sockets and TAP devices as it was started, and becomes {@code user} before the
     * guest's first instruction; what it does then is filtered by seccomp. So no image, disk or device node has to be readable
     * by that user.
     *
     * @param user the user to become; empty to stay who one is
     * @param spawns whether it must be able to start programs
     */
    QemuArguments confined(String user, boolean spawns) {
        if (!user.isEmpty()) {
            add("-runas", user);
        }
        // elevateprivileges=deny would forbid -runas, and the setsid(2) of what QEMU's own network stack starts;
        // seccomp itself
        // sets no_new_privs, and a common user has no rights to raise.
        String privileges = user.isEmpty() && !spawns ? "deny" : "allow";
        add(
                "-sandbox",
                "on,obsolete=deny,resourcecontrol=deny,elevateprivileges=" + privileges + ",spawn="
                        + (spawns ? "allow" : "deny"));
        return this;
    }

    /**
     * The kernel and what it is told.
     *
     * @param kernel the ELF kernel
     * @param initramfs the archive; null where the guest is past it
     * @param imageArguments what the image wants
     * @param tscKhz the rate of the host's time stamp counter, for emulation on a board without another clock to measure it by
     * @param more further arguments
     */
    QemuArguments boot(
            Path kernel,
            @Nullable Path initramfs,
            Collection<String> imageArguments,
            OptionalLong tscKhz,
            List<String> more) {
        var line = new LinkedHashSet<>(imageArguments);
        line.add("console=ttyS0");
        // A panic resets the machine at once, which -no-reboot turns into QEMU's end.
        line.add("panic=-1");
        line.add("reboot=t");
        // Self-tests of ciphers take 0.3 s of an emulated boot.
        line.add("cryptomgr.notests");
        if (board == QemuOptions.Board.MICROVM) {
            // And no other clock to doubt it by: a host that is busy makes an emulated one look wrong.
            tscKhz.ifPresent(khz -> line.addAll(List.of("tsc_early_khz=" + khz, "tsc=reliable")));
        }
        line.addAll(more);
        add("-kernel", kernel.toString(), "-append", String.join(" ", line));
        if (initramfs != null) {
            add("-initrd", initramfs.toString());
        }
        return this;
    }

    /** A disk. Read-only ones are shared by machines, so QEMU's locks are left off. */
    QemuArguments disk(String name, Path file, boolean readOnly) {
        add(
                "-blockdev",
                json(Map.of(
                        "driver",
                        "raw",
                        "node-name",
                        name,
                        "read-only",
                        readOnly,
                        "cache",
                        NO_FLUSH,
                        "discard",
                        readOnly ? "ignore" : "unmap",
                        "file",
                        Map.of("driver", "file", "filename", file.toString(), "locking", readOnly ? "off" : "auto"))));
        add("-device", board.device("virtio-blk") + ",drive=" + name);
        return this;
    }

    /**
     * A disk of which what is written goes to a file of its own, in QEMU's qcow2 format.
     *
     * @param file the format's file
     * @param below the raw disk beneath it, only read
     */
    QemuArguments overlaid(String name, Path file, Path below) {
        add(
                "-blockdev",
                json(Map.of(
                        "driver",
                        "qcow2",
                        "node-name",
                        name,
                        "cache",
                        NO_FLUSH,
                        "discard",
                        "unmap",
                        "file",
                        Map.of("driver", "file", "filename", file.toString()),
                        "backing",
                        Map.of(
                                "driver",
                                "raw",
                                "read-only",
                                true,
                                "file",
                                Map.of("driver", "file", "filename", below.toString(), "locking", "off")))));
        add("-device", board.device("virtio-blk") + ",drive=" + name);
        return this;
    }

    /** A file that is no device, for QEMU's own work. */
    QemuArguments file(String name, Path file) {
        add("-blockdev", json(Map.of("driver", "file", "node-name", name, "filename", file.toString())));
        return this;
    }

    /** It waits to be told where its state comes from. */
    QemuArguments incoming() {
        add("-incoming", "defer");
        return this;
    }

    /** The serial console on two named pipes in QEMU's folder, {@code NAME.in} and {@code NAME.out}, of which QEMU holds both ends. */
    QemuArguments console(String name) {
        add("-chardev", "pipe,id=console,path=" + name, "-serial", "chardev:console");
        return this;
    }

    /** The serial console on QEMU's own output. */
    QemuArguments consoleOnOutput() {
        add("-serial", "stdio");
        return this;
    }

    /**
     * The monitor.
     *
     * @param listening the name of a Unix socket in QEMU's folder, at which it listens: one connection at a time, one after another
     * @param told the name of another, to which QEMU connects as soon as it listens at the first (it makes them in their order) and
     *     says nothing
     */
    QemuArguments monitor(String listening, String told) {
        add(
                "-chardev",
                "socket,id=monitor,server=on,wait=off,path=" + listening,
                "-mon",
                "chardev=monitor,mode=control");
        add("-chardev", "socket,id=told,path=" + told);
        return this;
    }

    /** A source of entropy. */
    QemuArguments entropy() {
        add(
                "-object",
                "rng-random,id=entropy,filename=/dev/urandom",
                "-device",
                board.device("virtio-rng") + ",rng=entropy");
        return this;
    }

    /** The network card. */
    QemuArguments network(List<String> backend, String mac) {
        arguments.addAll(backend);
        // No option ROM: nothing boots from the network.
        String rom = board == QemuOptions.Board.MICROVM ? "" : ",romfile=";
        // No announcement after a restore: nobody on its wire keeps anything that it could correct, and the guest's
        // takes 10 ms.
        add("-device", board.device("virtio-net") + ",netdev=net,guest_announce=off,mac=" + mac + rom);
        return this;
    }

    /** The finished command line. */
    List<String> toList() {
        return List.copyOf(arguments);
    }

    private static String json(Map<String, ?> value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("maps of strings and booleans always become JSON", e);
        }
    }
}
