package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.image.Image;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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
        assertThat(driver.undo(new Resource("qemu", "nft-element", "lo . 127.0.0.1 . 22 } ; flush ruleset")))
                .hasSize(1);
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
        Path kernel = Files.writeString(folder.resolve("kernel"), "");
        var image = new Image("0", "cli", Instant.EPOCH, kernel, kernel, List.of(), List.of());
        var spec = new MachineSpec(
                MachineId.random(),
                VmType.CLI,
                image,
                256,
                1,
                64L << 20,
                directory,
                Map.of(),
                (address, port) -> new InetSocketAddress(address, 9));
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> new QemuDriver(options).start(spec, ledger, (step, text, details) -> {}));
        assertThat(failure).isNotNull();
        assertThat(ledger.toUndo()).isEmpty();
        return failure;
    }
}
