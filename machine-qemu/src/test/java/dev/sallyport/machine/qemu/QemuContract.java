package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.MachineDriverContract;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.Resource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The contract with what QEMU's machines leave on a host. */
abstract class QemuContract extends MachineDriverContract {
    private static final Duration SOON = Duration.ofSeconds(5);

    @Override
    protected boolean exists(Resource resource) {
        try {
            return switch (resource.kind()) {
                case QemuDriver.FILE -> Files.exists(Path.of(resource.name()));
                case QemuDriver.PROCESS ->
                    !ProcessIdentity.find(resource.name()).isEmpty();
                case TapNetworks.TAP -> Files.exists(Path.of("/sys/class/net", resource.name()));
                default -> false;
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    protected List<String> leftOn(MachineSpec spec) {
        var left = new ArrayList<String>();
        try {
            ProcessIdentity.find(QemuDriver.marker(spec.id())).forEach(process -> left.add(process.toString()));
            ProcessIdentity.find(QemuDriver.probeMarker(spec.id())).forEach(process -> left.add(process.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String device = TapNetworks.deviceOf(spec.id());
        if (Files.exists(Path.of("/sys/class/net", device))) {
            left.add("device " + device);
        }
        return left;
    }

    @Override
    protected void killHypervisor(MachineSpec spec) {
        try {
            for (ProcessIdentity process : ProcessIdentity.find(QemuDriver.marker(spec.id()))) {
                String name = Files.readString(Path.of("/proc", Long.toString(process.pid()), "comm"));
                if (name.startsWith("qemu")) {
                    process.kill(Duration.ofSeconds(5));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** QEMU's session is not ours, and it writes into the pipe of a reader that may have gone. */
    @Override
    protected void whileNobodyHolds(MachineSpec spec) throws IOException, InterruptedException {
        long ours = session(ProcessHandle.current().pid());
        assertThat(ProcessIdentity.find(QemuDriver.marker(spec.id())))
                .isNotEmpty()
                .allSatisfy(process -> assertThat(session(process.pid())).isNotEqualTo(ours));
        assertThat(Files.getPosixFilePermissions(spec.directory()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        try (QmpClient qmp =
                QmpClient.connect(spec.directory().resolve(MachineFiles.MONITOR_SOCKET), event -> {}, SOON)) {
            for (String command : List.of("log in_asm", "log none")) {
                qmp.execute("human-monitor-command", Map.of("command-line", command), SOON);
            }
            assertThat(qmp.execute("query-status", Map.of(), SOON)
                            .path("running")
                            .asBoolean())
                    .isTrue();
        }
    }

    private static long session(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[3]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All rules of the host, empty where this user may not see them. */
    static String rules() {
        try {
            return Command.run(Duration.ofSeconds(10), "", List.of("nft", "list", "ruleset"))
                    .output();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
