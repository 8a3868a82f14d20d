package dev.sallyport.controller;

import dev.sallyport.controller.logs.LogRetention;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * What an operator can choose.
 *
 * @param folders where caches and data lie
 * @param listen where the API and the page are served; port 0 takes any
 * @param accelerator how machines' processors are run
 * @param network how machines are reached
 * @param hypervisor the hypervisor's program: a name on PATH, or a path; empty for the driver's usual one
 * @param browser the shape of browser machines
 * @param cli the shape of CLI machines
 * @param timing how long things may take
 * @param upstream a proxy that the egress gateway goes through, if any
 * @param extraAuthorities PEM certificates that machines trust besides Debian's, if any
 * @param logs how much is kept of the logs of machines that are gone and of image builds
 */
public record Settings(
        Folders folders,
        InetSocketAddress listen,
        Accelerator accelerator,
        Network network,
        String hypervisor,
        Shape browser,
        Shape cli,
        Timing timing,
        Optional<InetSocketAddress> upstream,
        Optional<String> extraAuthorities,
        LogRetention.Limits logs) {
    /** 14 days, 512 MiB. */
    public static final LogRetention.Limits LOGS = new LogRetention.Limits(Duration.ofDays(14), 512L << 20);

    /** How machines' processors are run. */
    public enum Accelerator {
        /** KVM where a guest was seen to run under it, else emulated. */
        AUTO,
        KVM,
        TCG
    }

    /** How machines are reached. */
    public enum Network {
        /** TAP devices as root, else user-mode. */
        AUTO,
        USER,
        TAP
    }

    /**
     * @param memoryMib guest memory, MiB
     * @param cpus virtual processors
     * @param diskBytes writable disk, sparse
     */
    public record Shape(int memoryMib, int cpus, long diskBytes) {}

    /**
     * @param boot from the hypervisor's start to the agent's answer
     * @param user from the open sign-in page to its end
     * @param graceAfterSuccess how long a browser machine stays after a completed session's last viewer left
     * @param graceAfterFailure the same after a failure
     * @param graceAtMost however many view it
     */
    public record Timing(
            Duration boot,
            Duration user,
            Duration graceAfterSuccess,
            Duration graceAfterFailure,
            Duration graceAtMost) {
        /** The periods that are in force when nothing is chosen. */
        public static final Timing DEFAULTS = new Timing(
                Duration.ofMinutes(3),
                Duration.ofMinutes(15),
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2));
    }

    /** The settings in force when nothing is chosen: 127.0.0.1, port 4000, everything else found out. */
    public static Settings defaults(Folders folders) {
        return new Settings(
                folders,
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 4000),
                Accelerator.AUTO,
                Network.AUTO,
                "",
                new Shape(1024, 1, 2L << 30),
                new Shape(512, 1, 4L << 30),
                Timing.DEFAULTS,
                Optional.empty(),
                Optional.empty(),
                LOGS);
    }

    /** The shape of machines of {@code type}. */
    public Shape shape(VmType type) {
        return switch (type) {
            case BROWSER -> browser;
            case CLI -> cli;
        };
    }

    public Settings listeningOn(InetSocketAddress address) {
        return new Settings(folders, address, accelerator, network, hypervisor, browser, cli, timing, upstream, extraAuthorities, logs);
    }

    public Settings with(Accelerator newAccelerator, Network newNetwork) {
        return new Settings(folders, listen, newAccelerator, newNetwork, hypervisor, browser, cli, timing, upstream, extraAuthorities, logs);
    }

    /** The same with another hypervisor's program. */
    public Settings withHypervisor(String program) {
        return new Settings(folders, listen, accelerator, network, program, browser, cli, timing, upstream, extraAuthorities, logs);
    }

    /** The same with machines of other shapes. */
    public Settings with(Shape newBrowser, Shape newCli) {
        return new Settings(folders, listen, accelerator, network, hypervisor, newBrowser, newCli, timing, upstream, extraAuthorities, logs);
    }

    public Settings with(Timing newTiming) {
        return new Settings(folders, listen, accelerator, network, hypervisor, browser, cli, newTiming, upstream, extraAuthorities, logs);
    }

    /** The same, keeping logs for so long. */
    public Settings keeping(LogRetention.Limits newLogs) {
        return new Settings(folders, listen, accelerator, network, hypervisor, browser, cli, timing, upstream, extraAuthorities, newLogs);
    }

    /** The same, going out through {@code proxy}, whose certificates {@code authorities} vouch for. */
    public Settings goingOutThrough(InetSocketAddress proxy, Optional<String> authorities) {
        return new Settings(folders, listen, accelerator, network, hypervisor, browser, cli, timing, Optional.of(proxy), authorities, logs);
    }
}
