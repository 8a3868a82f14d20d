package dev.sallyport.cli.doctor;

import dev.sallyport.model.Cause;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs checks side by side and tells them in their order, each as soon as it and those before it are done. */
final class Doctor {
    private static final Duration AT_ONCE = Duration.ofMillis(50);

    private final Duration patience;

    /** @param patience longest time that one check is waited for */
    Doctor(Duration patience) {
        this.patience = patience;
    }

    /**
     * Runs all checks.
     *
     * @param checks are run at once
     * @param afterwards are run when those are over: they would see what those make for a moment
     * @return the worst state found
     */
    State run(List<Check> checks, List<Check> afterwards, Report report) throws InterruptedException {
        State first = runAtOnce(checks, report);
        State then = runAtOnce(afterwards, report);
        report.end();
        return first.compareTo(then) > 0 ? first : then;
    }

    private State runAtOnce(List<Check> checks, Report report) throws InterruptedException {
        State worst = State.OK;
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        try {
            var running = new ArrayList<Future<List<Finding>>>();
            for (Check check : checks) {
                running.add(threads.submit(() -> look(check)));
            }
            for (int i = 0; i < checks.size(); i++) {
                String name = checks.get(i).name();
                List<Finding> findings = await(name, running.get(i), report);
                report.tell(name, findings);
                for (Finding finding : findings) {
                    worst = finding.state().compareTo(worst) > 0 ? finding.state() : worst;
                }
            }
            return worst;
        } finally {
            // A check that was not waited for is interrupted, and removes what it had made.
            threads.shutdownNow();
            threads.close();
        }
    }

    private List<Finding> await(String name, Future<List<Finding>> running, Report report) throws InterruptedException {
        try {
            try {
                return running.get(AT_ONCE.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                report.waiting(name);
                return running.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (TimeoutException e) {
            running.cancel(true);
            return List.of(Finding.warning(
                    "It could not be looked at: there was no answer within " + patience.toSeconds() + " s.",
                    "Look whether disks and network file systems of this host answer."));
        } catch (ExecutionException e) {
            throw new IllegalStateException("what goes wrong in a check is a finding", e);
        }
    }

    private static List<Finding> look(Check check) {
        try {
            return check.look();
        } catch (FailureException e) {
            Cause cause = e.reason();
            return List.of(Finding.broken(
                    (cause.code().sentence() + " " + cause.detail()).strip() + " [" + cause.code() + "]",
                    cause.code().remedy()));
        } catch (IOException e) {
            return List.of(Finding.warning(
                    "It could not be looked at: " + e.getClass().getSimpleName() + " " + e.getMessage() + ".",
                    "Run this as the user that Sallyport runs as."));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of(Finding.warning("It was not looked at to its end.", "Run this again."));
        } catch (RuntimeException e) {
            return List.of(Finding.broken("Looking at it failed: " + e + ".", "This is a defect: please report it."));
        }
    }
}
