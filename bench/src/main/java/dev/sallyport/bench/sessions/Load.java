package dev.sallyport.bench.sessions;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.bench.load.OpenLoop;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What users and operators do to a controller: start sessions, look at them, end them. */
final class Load implements AutoCloseable {
    /** Nothing announces that a session has come up or is gone, so that it is looked at so often. */
    private static final Duration LOOK = Duration.ofMillis(250);
    /** So long without any progress is too long. */
    private static final Duration STANDSTILL = Duration.ofSeconds(90);
    /** How many machines are ended at once. */
    private static final int ENDS = 16;
    /** How many of the users look at their own sessions. */
    private static final int WATCHERS = 8;

    private final Setup setup;
    private final AtomicInteger users = new AtomicInteger();
    private final AtomicInteger succeeded = new AtomicInteger();
    private final List<String> sessions = new ArrayList<>();
    private final List<Watcher> watchers = new ArrayList<>();
    private final Map<String, Integer> earlier = new TreeMap<>();
    private int completedEarlier;

    /** A user with a token and a session. */
    private record Watcher(String session, ApiClient api) {}

    Load(Setup setup) {
        this.setup = setup;
    }

    /** Starts sessions of users who have none. */
    OpenLoop.Outcome start(double perSecond, int count) throws InterruptedException {
        var ids = new ConcurrentLinkedQueue<String>();
        OpenLoop.Outcome outcome = OpenLoop.run(perSecond, count, index -> {
            String user = "u" + users.incrementAndGet();
            ids.add(setup.admin()
                    .post("/api/auth/start", Map.of("userId", user, "provider", "demo"))
                    .path("sessionId")
                    .asText());
        });
        sessions.addAll(ids);
        return outcome;
    }

    /**
     * Waits until every session that has not failed awaits its user.
     *
     * @return how many do
     */
    int settle() throws InterruptedException {
        return await("sessions to await their users", () -> {
            int awaiting = setup.awaiting();
            return new Seen(active() == awaiting, awaiting);
        });
    }

    /** Reads for {@code seconds}: two thirds single sessions, a sixth lists, a sixth timelines up to the present. */
    OpenLoop.Outcome read(double perSecond, int seconds) throws InterruptedException {
        watch();
        return OpenLoop.run(perSecond, (int) (perSecond * seconds), index -> {
            switch (index % 6) {
                case 0 -> setup.admin().get("/api/sessions?limit=50");
                case 3 -> {
                    Watcher watcher = watchers.get(index / 6 % watchers.size());
                    watcher.api()
                            .events(
                                    "/api/auth/session/" + watcher.session() + "/events",
                                    event -> !event.name().equals("session"));
                }
                case 1, 4 -> {
                    Watcher watcher = watchers.get(index / 6 % watchers.size());
                    watcher.api().get("/api/auth/session/" + watcher.session());
                }
                default -> setup.admin().get("/api/auth/session/" + anySession());
            }
        });
    }

    private void watch() throws InterruptedException {
        for (int i = watchers.size(); i < Math.min(WATCHERS, sessions.size()); i++) {
            String session = sessions.get(i);
            JsonNode view = setup.admin().get("/api/auth/session/" + session).path("session");
            watchers.add(new Watcher(session, setup.user(view.path("user_id").asText())));
        }
    }

    private String anySession() {
        return sessions.get(ThreadLocalRandom.current().nextInt(sessions.size()));
    }

    /** Ends all sessions, every second by its user's success, the others by cancelling; then the users' CLI machines. */
    OpenLoop.Outcome end(double perSecond) throws InterruptedException {
        forgetWatchers();
        List<String> live = setup.sessions();
        OpenLoop.Outcome outcome = OpenLoop.run(perSecond, live.size(), index -> {
            String session = live.get(index);
            if (index % 2 == 0) {
                setup.succeed(session);
                succeeded.incrementAndGet();
            } else {
                setup.admin().post("/api/auth/session/" + session + "/cancel", Map.of());
            }
        });
        await("sessions to end", () -> {
            int active = active();
            return new Seen(active == 0, active);
        });
        sessions.clear();
        endMachines();
        return outcome;
    }

    /** CLI machines outlive sessions; what else is there still will be found to be left. */
    private void endMachines() throws InterruptedException {
        var notEnded = new ConcurrentLinkedQueue<String>();
        String page = "/api/vm?alive=true&limit=200";
        for (String next = page; next != null; ) {
            JsonNode alive = setup.admin().get(next);
            var permits = new Semaphore(ENDS);
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (JsonNode machine : alive.path("vms")) {
                    if (machine.path("vm_type").asText().equals("cli")) {
                        permits.acquire();
                        threads.execute(() -> {
                            endMachine(machine.path("vm_id").asText(), notEnded);
                            permits.release();
                        });
                    }
                }
            }
            next = alive.path("next").isTextual()
                    ? page + "&before=" + alive.path("next").asText()
                    : null;
        }
        if (!notEnded.isEmpty()) {
            throw new FailureException(new Cause(
                    CauseCode.UNKNOWN,
                    notEnded.size() + " machines could not be ended.",
                    notEnded.stream().limit(5).toList()));
        }
    }

    private void endMachine(String id, Collection<String> notEnded) {
        try {
            setup.admin().delete("/api/vm/" + id);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (FailureException e) {
            notEnded.add(id + ": " + e.getMessage());
        }
    }

    /** Forgets what went wrong up to now: it was only for warming up. */
    void warmedUp() throws InterruptedException {
        earlier.putAll(allFailures());
        succeeded.set(0);
        completedEarlier = completed();
    }

    /** Sessions that failed since it was warm, by cause. */
    Map<String, Integer> failures() throws InterruptedException {
        Map<String, Integer> failures = allFailures();
        earlier.forEach((cause, count) -> failures.computeIfPresent(cause, (ignored, all) -> all - count));
        failures.values().removeIf(count -> count == 0);
        return failures;
    }

    /** Sessions whose users finished since it was warm, and that did not complete. */
    int notCompleted() throws InterruptedException {
        return succeeded.get() - (completed() - completedEarlier);
    }

    private Map<String, Integer> allFailures() throws InterruptedException {
        Map<String, Integer> failures = new TreeMap<>();
        String name = "sallyport_session_failures_total{cause=\"";
        setup.metrics().forEach((metric, count) -> {
            if (metric.startsWith(name)) {
                failures.put(metric.substring(name.length(), metric.lastIndexOf('"')), count.intValue());
            }
        });
        return failures;
    }

    private int completed() throws InterruptedException {
        return setup.metrics()
                .getOrDefault("sallyport_sessions_total{outcome=\"completed\"}", 0.0)
                .intValue();
    }

    private int active() throws InterruptedException {
        return setup.metrics().getOrDefault("sallyport_sessions_active", 0.0).intValue();
    }

    /** What is seen of a wait: whether it is over, and how far it is. */
    private record Seen(boolean over, int progress) {}

    @FunctionalInterface
    private interface Look {
        Seen look() throws InterruptedException;
    }

    private static int await(String what, Look look) throws InterruptedException {
        int last = -1;
        long changed = System.nanoTime();
        while (true) {
            Seen seen = look.look();
            if (seen.over()) {
                return seen.progress();
            }
            long now = System.nanoTime();
            if (seen.progress() != last) {
                last = seen.progress();
                changed = now;
            } else if (now - changed > STANDSTILL.toNanos()) {
                throw new FailureException(Cause.of(
                        CauseCode.UNKNOWN,
                        "Waited for " + what + ", and nothing happened for " + STANDSTILL.toSeconds() + " s.",
                        "seen last: " + last));
            }
            TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
        }
    }

    private void forgetWatchers() {
        watchers.forEach(watcher -> watcher.api().close());
        watchers.clear();
    }

    @Override
    public void close() {
        forgetWatchers();
    }
}
