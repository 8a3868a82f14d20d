package dev.sallyport.controller;

import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.logs.LogRetention;
import dev.sallyport.controller.session.StayPolicy;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

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
 * @param database the PostgreSQL that several controllers share; empty for one of this controller's own
 * @param address where other controllers and users reach this one's API; empty for where it listens
 * @param onExit what becomes of machines when the controller ends in good order
 * @param limits how much one user and this host may have; empty for what fits the host's memory
 * @param ahead what is made ready before it is asked for
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
        LogRetention.Limits logs,
        Optional<DatabaseAccess> database,
        String address,
        OnExit onExit,
        Optional<Limits> limits,
        Ahead ahead) {
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

    /** What becomes of machines and sign-ins when the controller ends in good order. */
    public enum OnExit {
        /** They end too. */
        END,
        /** They go on, and the next controller with this data folder takes them over. */
        LEAVE
    }

    /**
     * What is made ready before it is asked for, where the driver can.
     *
     * @param templates whether machines begin from templates; without them none is kept ready either
     * @param browsers browser machines that are kept ready; 0 for none
     * @param clis CLI machines that are kept ready; 0 for none
     * @param most how many of a kind are kept ready at the most, however many are asked for
     * @param hypervisors how many of a kind wait with a template's state, for users who find no machine kept ready
     * @param restore how long a machine that began from a template may take to answer; twice that where it is emulated
     */
    public record Ahead(boolean templates, int browsers, int clis, int most, int hypervisors, Duration restore) {
        /** Templates, and one machine and one hypervisor of each kind. */
        public static final Ahead DEFAULTS = new Ahead(true, 1, 1, 8, 1, Duration.ofSeconds(15));

        /** Each machine boots when it is asked for. */
        public static final Ahead NOTHING = new Ahead(false, 0, 0, 0, 0, Duration.ofSeconds(15));

        private static final int MOST = 1000;

        /** @throws FailureException BAD_REQUEST when a number is out of its range */
        public Ahead {
            for (int number : new int[] {browsers, clis, most, hypervisors}) {
                if (number < 0 || number > MOST) {
                    throw FailureException.of(
                            CauseCode.BAD_REQUEST,
                            "The numbers of machines and hypervisors that are kept ready are from 0 to " + MOST
                                    + ", not " + number + ".");
                }
            }
        }

        /** How many machines of {@code type} are kept ready when few are asked for. */
        public int kept(VmType type) {
            return templates ? type == VmType.BROWSER ? browsers : clis : 0;
        }

        /** How long a machine that began from a template with {@code key} may take to answer. */
        public Duration restore(TemplateKey key) {
            return "kvm".equals(key.parts().get("accelerator")) ? restore : restore.multipliedBy(2);
        }
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
     * @param keepStep how much longer it stays when somebody asks for it
     * @param keptAtMost however often somebody asks for it
     * @param failedKept how long a failed session's machine stays for debugging; zero for not at all
     * @param lease how long this host's lease is good without being renewed
     * @param left how long the machines that a controller left wait for the next one
     * @param idle how long a session waits for a user whom nobody sees: no open screen, no address pasted
     * @param ended how long ended sessions and machines, with their timelines, are kept
     */
    public record Timing(
            Duration boot,
            Duration user,
            Duration graceAfterSuccess,
            Duration graceAfterFailure,
            Duration graceAtMost,
            Duration keepStep,
            Duration keptAtMost,
            Duration failedKept,
            Duration lease,
            Duration left,
            Duration idle,
            Duration ended) {
        /** The periods that are in force when nothing is chosen. */
        public static final Timing DEFAULTS = new Timing(
                Duration.ofMinutes(3),
                Duration.ofMinutes(15),
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2),
                Duration.ofMinutes(5),
                Duration.ofMinutes(30),
                Duration.ZERO,
                Duration.ofSeconds(15),
                Duration.ofMinutes(5),
                Duration.ofMinutes(10),
                Duration.ofDays(30));

        /** The same with another time for boots. */
        public Timing boot(Duration newBoot) {
            return with(newBoot, user, failedKept, lease);
        }

        /** The same with another time for the user. */
        public Timing user(Duration newUser) {
            return with(boot, newUser, failedKept, lease);
        }

        /** The same, keeping failed sessions' machines for debugging. */
        public Timing keepingFailed(Duration newFailedKept) {
            return with(boot, user, newFailedKept, lease);
        }

        /** The same with another lease. */
        public Timing lease(Duration newLease) {
            return with(boot, user, failedKept, newLease);
        }

        /** The same with other times after a session's end. */
        public Timing graces(Duration success, Duration failure, Duration atMost) {
            return new Timing(
                    boot, user, success, failure, atMost, keepStep, keptAtMost, failedKept, lease, left, idle, ended);
        }

        private Timing with(Duration newBoot, Duration newUser, Duration newFailedKept, Duration newLease) {
            return new Timing(
                    newBoot,
                    newUser,
                    graceAfterSuccess,
                    graceAfterFailure,
                    graceAtMost,
                    keepStep,
                    keptAtMost,
                    newFailedKept,
                    newLease,
                    left,
                    idle,
                    ended);
        }

        StayPolicy.Periods stays() {
            return new StayPolicy.Periods(
                    graceAfterSuccess, graceAfterFailure, graceAtMost, keptAtMost, failedKept, idle);
        }
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
                LOGS,
                Optional.empty(),
                "",
                OnExit.END,
                Optional.empty(),
                Ahead.DEFAULTS);
    }

    /** The shape of machines of {@code type}. */
    public Shape shape(VmType type) {
        return switch (type) {
            case BROWSER -> browser;
            case CLI -> cli;
        };
    }

    /** The same, serving elsewhere. */
    public Settings listeningOn(InetSocketAddress socket) {
        return change(draft -> draft.listen = socket);
    }

    /** The same with machines run and reached otherwise. */
    public Settings with(Accelerator newAccelerator, Network newNetwork) {
        return change(draft -> {
            draft.accelerator = newAccelerator;
            draft.network = newNetwork;
        });
    }

    /** The same with another hypervisor's program. */
    public Settings withHypervisor(String program) {
        return change(draft -> draft.hypervisor = program);
    }

    /** The same with machines of other shapes. */
    public Settings with(Shape newBrowser, Shape newCli) {
        return change(draft -> {
            draft.browser = newBrowser;
            draft.cli = newCli;
        });
    }

    /** The same with other times. */
    public Settings with(Timing newTiming) {
        return change(draft -> draft.timing = newTiming);
    }

    /** The same, keeping logs for so long. */
    public Settings keeping(LogRetention.Limits newLogs) {
        return change(draft -> draft.logs = newLogs);
    }

    /** The same, going out through {@code proxy}, whose certificates {@code authorities} vouch for. */
    public Settings goingOutThrough(InetSocketAddress proxy, Optional<String> authorities) {
        return change(draft -> {
            draft.upstream = Optional.of(proxy);
            draft.extraAuthorities = authorities;
        });
    }

    /** The same on a database that others share, reached by them at {@code where}. */
    public Settings sharing(DatabaseAccess shared, String where) {
        return change(draft -> {
            draft.database = Optional.of(shared);
            draft.address = where;
        });
    }

    /** The same with other limits. */
    public Settings with(Limits newLimits) {
        return change(draft -> draft.limits = Optional.of(newLimits));
    }

    /** The same with other things made ready. */
    public Settings with(Ahead newAhead) {
        return change(draft -> draft.ahead = newAhead);
    }

    /** The same with another end. */
    public Settings ending(OnExit how) {
        return change(draft -> draft.onExit = how);
    }

    private Settings change(Consumer<Draft> changes) {
        var draft = new Draft(this);
        changes.accept(draft);
        return draft.done(folders);
    }

    /** Settings that are being changed. */
    private static final class Draft {
        private InetSocketAddress listen;
        private Accelerator accelerator;
        private Network network;
        private String hypervisor;
        private Shape browser;
        private Shape cli;
        private Timing timing;
        private Optional<InetSocketAddress> upstream;
        private Optional<String> extraAuthorities;
        private LogRetention.Limits logs;
        private Optional<DatabaseAccess> database;
        private String address;
        private OnExit onExit;
        private Optional<Limits> limits;
        private Ahead ahead;

        Draft(Settings from) {
            listen = from.listen;
            accelerator = from.accelerator;
            network = from.network;
            hypervisor = from.hypervisor;
            browser = from.browser;
            cli = from.cli;
            timing = from.timing;
            upstream = from.upstream;
            extraAuthorities = from.extraAuthorities;
            logs = from.logs;
            database = from.database;
            address = from.address;
            onExit = from.onExit;
            limits = from.limits;
            ahead = from.ahead;
        }

        Settings done(Folders folders) {
            return new Settings(
                    folders,
                    listen,
                    accelerator,
                    network,
                    hypervisor,
                    browser,
                    cli,
                    timing,
                    upstream,
                    extraAuthorities,
                    logs,
                    database,
                    address,
                    onExit,
                    limits,
                    ahead);
        }
    }
}
