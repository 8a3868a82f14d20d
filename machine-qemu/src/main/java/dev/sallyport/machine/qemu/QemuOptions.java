package dev.sallyport.machine.qemu;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How machines are made.
 *
 * @param cache folder for what can be made again: pristine disks, what probing KVM showed
 * @param binary QEMU's program, looked up on the PATH
 * @param accelerator what executes the guest's instructions
 * @param network how the host and the machine are joined
 * @param board which machine QEMU emulates
 * @param user the system user as which QEMU runs when this program runs as root
 * @param subnet the addresses of TAP networks; each machine takes four of them
 * @param startDeadline how long QEMU may take until it answers; what the guest does is another question
 * @param kvmDeadline how long the guest that probes KVM may take to come up
 */
public record QemuOptions(
        Path cache,
        String binary,
        Accelerator accelerator,
        Network network,
        Board board,
        String user,
        Subnet subnet,
        Duration startDeadline,
        Duration kvmDeadline) {
    /** What executes the guest's instructions. */
    public enum Accelerator {
        /** KVM where a guest has been seen to run under it, else emulation. */
        AUTO,
        /** KVM or a failure that says why not. */
        KVM,
        /** Emulation. */
        TCG
    }

    /** How the host and the machine are joined. */
    public enum Network {
        /** A TAP device where this program may make one, else user mode. */
        AUTO,
        /** QEMU's own network stack, which needs no rights. */
        USER,
        /** A TAP device or a failure that says why not. */
        TAP
    }

    /** Which machine QEMU emulates. */
    public enum Board {
        /** The smallest: no PCI, devices found through ACPI. */
        MICROVM("microvm,acpi=on,rtc=on,pic=off,pit=off"),
        /** The PC of 1996, with PCI. */
        PC("pc"),
        /** The PC of 2009, with PCI Express. */
        Q35("q35");

        private final String argument;

        Board(String argument) {
            this.argument = argument;
        }

        /** The value of {@code -machine}. */
        String argument() {
            return argument;
        }

        /** The name of a virtio device on this board's bus. */
        String device(String kind) {
            return kind + (this == MICROVM ? "-device" : "-pci");
        }
    }

    /**
     * The usual options.
     *
     * @param cache folder for what can be made again
     */
    public static QemuOptions defaults(Path cache) {
        return new QemuOptions(
                cache,
                "qemu-system-x86_64",
                Accelerator.AUTO,
                Network.AUTO,
                Board.MICROVM,
                "sallyport",
                Subnet.parse("10.213.0.0/16"),
                Duration.ofSeconds(30),
                Duration.ofSeconds(10));
    }

    /** These options with another accelerator. */
    public QemuOptions with(Accelerator other) {
        return new QemuOptions(cache, binary, other, network, board, user, subnet, startDeadline, kvmDeadline);
    }

    /** These options with another network. */
    public QemuOptions with(Network other) {
        return new QemuOptions(cache, binary, accelerator, other, board, user, subnet, startDeadline, kvmDeadline);
    }

    /** These options with another board. */
    public QemuOptions with(Board other) {
        return new QemuOptions(cache, binary, accelerator, network, other, user, subnet, startDeadline, kvmDeadline);
    }

    /** These options with other addresses of TAP networks. */
    public QemuOptions with(Subnet other) {
        return new QemuOptions(cache, binary, accelerator, network, board, user, other, startDeadline, kvmDeadline);
    }

    /** These options with another program. */
    public QemuOptions withBinary(String other) {
        return new QemuOptions(cache, other, accelerator, network, board, user, subnet, startDeadline, kvmDeadline);
    }
}
