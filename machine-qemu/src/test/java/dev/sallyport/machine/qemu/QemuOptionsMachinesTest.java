package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.machine.Command;
import dev.sallyport.machine.ContractGuest;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Readiness;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the options promise, on real guests. */
@Tag("machines")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
public final class QemuOptionsMachinesTest {
    private static final Duration BOOT = Duration.ofSeconds(60);

    private static @Nullable Image guest;

    @TempDir
    Path folder;

    private final List<Machine> machines = new ArrayList<>();
    private final List<ServerSocket> doors = new ArrayList<>();
    private final Map<String, Map<String, String>> steps = new HashMap<>();
    private final RecordingLedger ledger = new RecordingLedger(resource -> {});

    @BeforeAll
    static void buildGuest(@TempDir Path images) throws Exception {
        guest = ContractGuest.image(images);
    }

    @AfterEach
    void destroyAll() throws Exception {
        for (Machine machine : machines) {
            assertThat(machine.destroy()).isEmpty();
        }
        for (ServerSocket door : doors) {
            door.close();
        }
        assertThat(ledger.toUndo()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(QemuOptions.Board.class)
    void everyBoardBootsTheSameImage(QemuOptions.Board board) throws Exception {
        Machine machine = start(user().with(board), image());
        Readiness.await(machine, new HttpHealthProbe(), BOOT);
        assertThat(steps.get("hypervisor")).containsEntry("board", board.name().toLowerCase(Locale.ROOT));
        assertThat(ContractGuest.run(machine, "ls /sys/bus/pci/devices 2>/dev/null | wc -l")
                        .strip()
                        .equals("0"))
                .isEqualTo(board == QemuOptions.Board.MICROVM);
    }

    @Test
    void thereIsRoomForManyLayers() throws Exception {
        Layer bottom = image().layers().getFirst();
        var layers = new ArrayList<Layer>();
        for (int i = 0; i < 12; i++) {
            Path root = Files.createDirectories(folder.resolve("layer" + i));
            Files.writeString(root.resolve("from-layer-" + i), "" + i);
            Path file = folder.resolve("layer" + i + ".erofs");
            UUID uuid = UUID.randomUUID();
            assertThat(Command.run(
                                    BOOT,
                                    "",
                                    List.of("mkfs.erofs", "-U", uuid.toString(), file.toString(), root.toString()))
                            .exitCode())
                    .isZero();
            layers.add(new Layer("layer" + i, "", uuid, file, Files.size(file)));
        }
        layers.addFirst(bottom);
        Image good = image();
        Machine machine = start(
                user(),
                new Image(
                        good.id(),
                        good.recipe(),
                        good.created(),
                        good.kernel(),
                        good.initramfs(),
                        layers,
                        good.kernelArguments()));
        Readiness.await(machine, new HttpHealthProbe(), BOOT);
        assertThat(ContractGuest.run(machine, "cat /from-layer-* | wc -c").strip())
                .isEqualTo("14");
    }

    @Test
    void kvmIsUsedWhereAGuestRunsUnderItAndElseRefusedWithTheReason() throws Exception {
        QemuOptions options = user().with(QemuOptions.Accelerator.KVM);
        try {
            Machine machine = start(options, image());
            Readiness.await(machine, new HttpHealthProbe(), BOOT);
            assertThat(steps.get("accelerator")).containsEntry("accelerator", "kvm");
        } catch (FailureException e) {
            assertThat(e.reason().code()).isEqualTo(CauseCode.KVM_REFUSED);
            assertThat(e.reason().evidence()).hasSize(1);
            System.out.println("KVM is refused here: " + e.reason().evidence());
            Machine machine = start(options.with(QemuOptions.Accelerator.AUTO), image());
            Readiness.await(machine, new HttpHealthProbe(), BOOT);
            assertThat(steps.get("accelerator"))
                    .containsEntry("accelerator", "tcg")
                    .containsEntry("reason", e.reason().evidence().getFirst());
        }
    }

    @Test
    void autoTakesATapAndFallsBackWithTheReason() throws Exception {
        Assumptions.assumeTrue(
                System.getProperty("user.name").equals("root") && Files.isWritable(Path.of("/dev/net/tun")),
                "TAP devices are made by root alone, where there is /dev/net/tun");
        QemuOptions options = user().with(QemuOptions.Network.AUTO).with(Subnet.parse("10.214.77.0/30"));
        Machine first = start(options, image());
        assertThat(steps.get("network")).containsEntry("network", "tap").containsEntry("address", "10.214.77.2");
        Machine second = start(options, image());
        assertThat(steps.get("network"))
                .containsEntry("network", "user")
                .containsEntry("reason", "all 1 networks are taken");
        Readiness.await(first, new HttpHealthProbe(), BOOT);
        Readiness.await(second, new HttpHealthProbe(), BOOT);

        FailureException refused = catchThrowableOfType(
                FailureException.class, () -> start(options.with(QemuOptions.Network.TAP), image()));
        assertThat(refused.reason().code()).isEqualTo(CauseCode.TAP_REFUSED);
        assertThat(refused.reason().evidence()).containsExactly("all 1 networks are taken");
    }

    private QemuOptions user() {
        return QemuOptions.defaults(folder.resolve("cache"))
                .with(QemuOptions.Network.USER)
                .with(QemuOptions.Accelerator.TCG);
    }

    private static Image image() {
        return Objects.requireNonNull(guest);
    }

    private Machine start(QemuOptions options, Image image) throws Exception {
        MachineId id = MachineId.random();
        var spec = new MachineSpec(
                id,
                VmType.CLI,
                image,
                256,
                1,
                64L << 20,
                Files.createDirectory(folder.resolve(id.value())),
                Map.of(),
                (address, port) -> {
                    var door = new ServerSocket(port, 50, address);
                    doors.add(door);
                    return (InetSocketAddress) door.getLocalSocketAddress();
                });
        Machine machine =
                new QemuDriver(options).start(spec, ledger, (step, text, details) -> steps.put(step, details));
        machines.add(machine);
        return machine;
    }
}
