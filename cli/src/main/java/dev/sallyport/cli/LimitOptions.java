package dev.sallyport.cli;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Rate;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much one user and this host may have; see {@link Limits}, which also says what is wrong with them. */
final class LimitOptions {
    @Option(
            names = "--machines-per-user",
            paramLabel = "N",
            description = "browser machines of one user at a time (default: 4)")
    private @Nullable Integer machinesPerUser;

    @Option(names = "--machines", paramLabel = "N", description = "machines on this host at a time (default: 64)")
    private @Nullable Integer machines;

    @Option(
            names = "--reserve-mib",
            paramLabel = "N",
            description = "memory that is left to the host (default: a tenth of it, at least 512)")
    private @Nullable Long reserveMib;

    @Option(names = "--queue", paramLabel = "N", description = "starts that may wait for room (default: 100)")
    private @Nullable Integer queue;

    @Option(
            names = "--queue-per-user",
            paramLabel = "N",
            description = "starts of one user that may wait for room (default: 4)")
    private @Nullable Integer queuePerUser;

    @Option(
            names = "--longest-wait",
            paramLabel = "SECONDS",
            description = "how long a start may wait for room (default: 600)")
    private @Nullable Long longestWait;

    @Option(
            names = "--starts-per-user",
            paramLabel = "N",
            description = "sign-ins that one user may begin in a minute (default: 10)")
    private @Nullable Integer startsPerUser;

    @Option(
            names = "--starts-per-address",
            paramLabel = "N",
            description = "sign-ins that may be begun from one address in a minute (default: 60)")
    private @Nullable Integer startsPerAddress;

    /** @throws dev.sallyport.model.FailureException BAD_REQUEST, naming everything that is wrong */
    Settings applyTo(Settings settings) {
        Limits usual = Limits.defaults(new HostMemory(Path.of("/")).total());
        return settings.with(new Limits(
                or(machinesPerUser, usual.machinesPerUser()),
                or(machines, usual.machinesPerHost()),
                reserveMib == null ? usual.memoryReserve() : reserveMib << 20,
                or(queue, usual.queueLength()),
                or(queuePerUser, usual.queuePerUser()),
                longestWait == null ? usual.longestWait() : Duration.ofSeconds(longestWait),
                startsPerUser == null ? usual.startsPerUser() : Rate.perMinute(startsPerUser),
                startsPerAddress == null ? usual.startsPerAddress() : Rate.perMinute(startsPerAddress)));
    }

    private static int or(@Nullable Integer chosen, int usual) {
        return chosen == null ? usual : chosen;
    }
}
