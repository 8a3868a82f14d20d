package dev.sallyport.cli.doctor;

import dev.sallyport.image.Image;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** Whether the clock can be right, by what this host alone knows. A wrong one makes certificates and tokens invalid. */
final class ClockCheck implements Check {
    private static final Duration SAMPLE = Duration.ofMillis(300);

    /** Slewing a clock changes its rate by a two-thousandth at the most; this is a step. */
    private static final Duration STEP = Duration.ofMillis(30);

    private static final int FIRST_YEAR = 2025;
    private static final int LAST_YEAR = 2100;

    private final Path cache;

    ClockCheck(Path cache) {
        this.cache = cache;
    }

    @Override
    public String name() {
        return "clock";
    }

    @Override
    public List<Finding> look() throws InterruptedException {
        Instant wall = Instant.now();
        long monotonic = System.nanoTime();
        Optional<Instant> newest = newest();
        Thread.sleep(SAMPLE);
        Duration passed = Duration.ofNanos(System.nanoTime() - monotonic);
        Instant now = Instant.now();
        return List.of(judge(now, newest, Duration.between(wall, now).minus(passed)));
    }

    private Optional<Instant> newest() {
        try {
            return ImagesCheck.store(cache)
                    .flatMap(
                            store -> store.images().stream().map(Image::created).max(Instant::compareTo));
        } catch (AccessDeniedException e) {
            return Optional.empty(); // What images there are is another check's subject.
        }
    }

    /**
     * Judges the clock.
     *
     * @param newest when the newest image was made
     * @param drift how far the clock went beyond the time that passed
     */
    static Finding judge(Instant now, Optional<Instant> newest, Duration drift) {
        String remedy = "Set it by a time service: 'sudo timedatectl set-ntp true'.";
        int year = now.atOffset(ZoneOffset.UTC).getYear();
        if (year < FIRST_YEAR || year >= LAST_YEAR) {
            return Finding.broken("The clock says " + now + ", which cannot be.", remedy);
        }
        if (newest.isPresent() && now.isBefore(newest.get())) {
            return Finding.broken(
                    "The clock says " + now + ", which is before the newest image was made (" + newest.get() + ").",
                    remedy);
        }
        if (drift.abs().compareTo(STEP) > 0) {
            return Finding.warning(
                    "The clock was set while it was looked at: by " + drift.toMillis() + " ms.",
                    "See that one time service alone sets it.");
        }
        return Finding.ok("The clock says " + now.truncatedTo(ChronoUnit.SECONDS)
                + (newest.isPresent() ? ", after the newest image was made." : "."));
    }
}
