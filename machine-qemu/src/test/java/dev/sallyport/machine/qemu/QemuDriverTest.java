package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.image.Image;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QemuDriverTest {
    @TempDir
    Path folder;

    private final RecordingLedger ledger = new RecordingLedger(resource -> {});

    @Test
    void aProgramThatIsNotThereIsNamed() throws Exception {
        FailureException failure = fails(options().withBinary("no-qemu-here"), folder);
        assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_MISSING);
        assertThat(failure.getMessage()).contains("no-qemu-here");
    }

    @Test
    void aQemuThatEndsAtOnceIsNamedWithItsWords() throws Exception {
        FailureException failure = fails(playing("echo 'cannot set up guest memory' >&2; exit 3"), folder);
        assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED);
        assertThat(failure.reason().detail()).contains("exit code 3");
        assertThat(failure.reason().evidence()).contains("cannot set up guest memory");
        assertThat(folder.resolve("machine")).isDirectoryNotContaining("regex:.*(sock|raw|ext4)");
    }

    @Test
    void wordsOfQemuBecomeTheMostSpecificCause() throws Exception {
        assertThat(fails(playing("echo 'write: No space left on device'; exit 1"), folder)
                        .reason()
                        .code())
                .isEqualTo(CauseCode.DISK_FULL);
        assertThat(fails(playing("echo 'could not open /dev/net/tun'; exit 1"), folder)
                        .reason()
                        .code())
                .isEqualTo(CauseCode.TAP_REFUSED);
        assertThat(fails(playing("echo 'Could not access KVM kernel module'; exit 1"), folder)
                        .reason()
                        .code())
                .isEqualTo(CauseCode.KVM_REFUSED);
    }

    @Test
    void aQemuThatDoesNotComeUpMeetsTheDeadline() throws Exception {
        FailureException failure = fails(playing("echo thinking; exec sleep 1000"), folder);
        assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED);
        assertThat(failure.reason().detail()).contains("2000 ms");
        assertThat(failure.reason().evidence()).contains("thinking");
    }

    @Test
    void aFolderWhosePathIsTooLongForASocketIsNamed() throws Exception {
        FailureException failure = fails(options(), Files.createDirectories(folder.resolve("x".repeat(100))));
        assertThat(failure.getMessage()).contains("too long");
    }

    @Test
    void whatIsNotOursIsNotTouched() throws Exception {
        var driver = new QemuDriver(options());
        Path precious = Files.writeString(folder.resolve("precious"), "keep");
        assertThat(driver.undo(new Resource("qemu", "file", precious.toString())))
                .hasSize(1);
        assertThat(driver.undo(new Resource("qemu", "file", "writable.ext4"))).hasSize(1);
        assertThat(driver.undo(new Resource("other", "file", precious.toString())))
                .hasSize(1);
        assertThat(driver.undo(new Resource("qemu", "tap", "lo"))).hasSize(1);
        assertThat(driver.undo(new Resource("qemu", "tap", "spt; reboot"))).hasSize(1);
        assertThat(driver.undo(new Resource("qemu", "moon", "full"))).hasSize(1);
        assertThat(precious).hasContent("keep");
        assertThat(Path.of("/sys/class/net/lo")).exists();
    }

    @Test
    void whatIsNotThereIsUndone() {
        var driver = new QemuDriver(options());
        assertThat(driver.undo(
                        new Resource("qemu", "file", folder.resolve("facts.raw").toString())))
                .isEmpty();
        assertThat(driver.undo(new Resource("qemu", "process", "qemu-" + MachineId.random())))
                .isEmpty();
        assertThat(driver.undo(new Resource("qemu", "tap", TapNetworks.deviceOf(MachineId.random()))))
                .isEmpty();
    }

    @Test
    void tracesAreAllThatAMachineCouldHaveLeft() throws Exception {
        var driver = new QemuDriver(options());
        MachineId id = MachineId.random();
        Path directory = Files.createDirectories(folder.resolve("machine"));
        List<Resource> traces = driver.traces(id, directory);
        assertThat(traces).doesNotHaveDuplicates().extracting(Resource::driver).containsOnly("qemu");
        assertThat(traces.getFirst()).isEqualTo(new Resource("qemu", "process", "qemu-" + id));
        assertThat(traces)
                .filteredOn(trace -> trace.kind().equals("file"))
                .hasSize(7)
                .allSatisfy(trace -> assertThat(Path.of(trace.name())).hasParentRaw(directory.toAbsolutePath()));

        Path log = Files.writeString(directory.resolve("console.log"), "kept");
        Files.writeString(directory.resolve("facts.raw"), "");
        var builder = new ProcessBuilder("sleep", "1000");
        builder.environment().put(ProcessIdentity.VARIABLE, "qemu-" + id + "-probe");
        Process probe = builder.start();
        traces.stream()
                .filter(trace -> !trace.kind().equals(TapNetworks.TABLE)) // Others may have devices here now.
                .forEach(trace -> assertThat(driver.undo(trace)).isEmpty());
        assertThat(probe.waitFor()).isEqualTo(137);
        assertThat(directory)
                .isDirectoryContaining("glob:**/console.log")
                .isDirectoryNotContaining("glob:**/facts.raw");
        assertThat(log).hasContent("kept");
    }

    @Test
    void aHandleIsReadAgainOrRefused() {
        var handle = new QemuHandle(
                12,
                345,
                new MachineNetwork.Ports(
                        new InetSocketAddress(UserNetwork.LOOPBACK, 1), new InetSocketAddress(UserNetwork.LOOPBACK, 2)),
                new InetSocketAddress(InetAddress.ofLiteral("10.213.0.1"), 3128));
        assertThat(QemuHandle.parse(handle.text())).isEqualTo(handle);
        for (String broken : List.of(
                "",
                "{}",
                "[",
                "null",
                handle.text().replace("345", "\"x\""),
                handle.text().replace("10.213.0.1", "example.com"),
                handle.text().replace(":3128", ":99999"))) {
            FailureException failure = catchThrowableOfType(FailureException.class, () -> QemuHandle.parse(broken));
            assertThat(failure).as(broken).isNotNull();
            assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED);
        }
    }

    @Test
    void aProcessThatIsAnotherIsNotAdopted() throws Exception {
        var builder = new ProcessBuilder("sleep", "1000");
        MachineId id = MachineId.random();
        builder.environment().put(ProcessIdentity.VARIABLE, QemuDriver.marker(id));
        Process process = builder.start();
        try {
            ProcessIdentity identity = ProcessIdentity.of(process.pid()).orElseThrow();
            var address = new InetSocketAddress(UserNetwork.LOOPBACK, 1);
            var earlier = new QemuHandle(
                    identity.pid(), identity.startTicks() - 1, new MachineNetwork.Ports(address, address), address);
            var driver = new QemuDriver(options());
            MachineSpec spec = spec(id, Files.createDirectories(folder.resolve("machine")));
            assertThat(driver.adopt(spec, earlier.text(), List.of(), ledger, (step, text, details) -> {}))
                    .isEmpty();
            var same = new QemuHandle(identity.pid(), identity.startTicks(), earlier.ports(), address);
            FailureException failure = catchThrowableOfType(
                    FailureException.class,
                    () -> driver.adopt(spec, same.text(), List.of(), ledger, (step, text, details) -> {}));
            assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED);
            assertThat(process.isAlive()).isTrue();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void doorsAreWhereNoKernelPutsOthersByItself() {
        var ports = new ArrayList<Integer>();
        InetSocketAddress door = Doors.openAnywhere(
                (address, port) -> {
                    ports.add(port);
                    if (ports.size() < 3) {
                        throw new IOException("taken");
                    }
                    return new InetSocketAddress(address, port);
                },
                UserNetwork.LOOPBACK);
        assertThat(ports).hasSize(3).allMatch(port -> port >= 20_000 && port < 32_768);
        assertThat(door.getPort()).isEqualTo(ports.getLast());

        ports.clear();
        FailureException failure = catchThrowableOfType(
                FailureException.class,
                () -> Doors.openAnywhere(
                        (address, port) -> {
                            ports.add(port);
                            throw new IOException("all taken");
                        },
                        UserNetwork.LOOPBACK));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.PORT_TAKEN);
        assertThat(ports).hasSizeLessThan(30).endsWith(0);
    }

    private QemuOptions options() {
        return QemuOptions.defaults(folder.resolve("cache"))
                .with(QemuOptions.Accelerator.TCG)
                .with(QemuOptions.Network.USER);
    }

    private QemuOptions playing(String script) throws Exception {
        Path program = folder.resolve("player");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        QemuOptions usual = options();
        return new QemuOptions(
                usual.cache(),
                program.toString(),
                usual.accelerator(),
                usual.network(),
                usual.board(),
                System.getProperty("user.name"),
                usual.subnet(),
                Duration.ofSeconds(2),
                usual.kvmDeadline());
    }

    private FailureException fails(QemuOptions options, Path parent) throws Exception {
        Path directory = Files.createDirectories(parent.resolve("machine"));
        MachineSpec spec = spec(MachineId.random(), directory);
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> new QemuDriver(options).start(spec, ledger, (step, text, details) -> {}));
        assertThat(failure).isNotNull();
        assertThat(ledger.toUndo()).isEmpty();
        return failure;
    }

    private MachineSpec spec(MachineId id, Path directory) throws IOException {
        Path kernel = Files.writeString(folder.resolve("kernel"), "");
        var image = new Image("0", "cli", Instant.EPOCH, kernel, kernel, List.of(), List.of());
        return new MachineSpec(
                id,
                VmType.CLI,
                image,
                256,
                1,
                64L << 20,
                directory,
                Map.of(),
                (address, port) -> new InetSocketAddress(address, 9));
    }
}
