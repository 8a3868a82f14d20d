package dev.sallyport.agent.identity;

import dev.sallyport.agent.CurrentFacts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Parts;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Kernel;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How the agent of a template becomes that of a machine: everything in its memory is the same in each clone, so it waits for facts of its
 * own and becomes another before anybody may tell it a secret. Part {@value #IDENTITY} is {@code starting} until the template is warm
 * and quiet, then {@code ok}; it is {@code failed} for good when a clone could not become another; a machine has no such part.
 */
public final class Adoption implements AutoCloseable {
    /** The part's name in the agent's health. */
    public static final String IDENTITY = "identity";

    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(300);

    private static final Duration WHOLE = Duration.ofSeconds(10);

    /** So long all else gives way to the answer that whoever started the machine waits for; it asks without end. */
    private static final Duration ANSWER = Duration.ofMillis(500);

    /** A template that never becomes quiet is one all the same: what has changed is looked for at the adoption. */
    private static final int MOST_LOOKS = 20;

    private final CurrentFacts current;
    private final Kernel kernel;
    private final Parts parts;
    private final Log log;
    private final ConsoleFacts console;
    private final ForkDetectPages pages;
    private final Identity identity;
    private final Ask ask;
    private final Runnable then;
    /** Made here: a lambda is linked at its first use, and that takes an emulated clone some 30 ms. */
    private final Runnable last = this::beginAsMachine;

    private final Thread thread;
    /** Each rehearsal has its own, and is forgotten with it. */
    private volatile Becoming becoming = new Becoming();

    private boolean open = true;
    /** Guarded by the identity. */
    private boolean begun;

    /** Renews a secret of the desktop's; waits for the desktop. */
    @FunctionalInterface
    public interface Cookie {
        void renew() throws IOException, InterruptedException;
    }

    /** Asks this agent's health, as whoever waits for a machine does; comes back with the answer. */
    @FunctionalInterface
    public interface Ask {
        void ask() throws IOException;
    }

    /** How far it is. */
    private static final class Becoming {
        /** What it becomes, from before its new token is known. */
        private volatile @Nullable NewFacts facts;

        private volatile boolean pending = true;
        private final CountDownLatch over = new CountDownLatch(1);
        private final CountDownLatch told = new CountDownLatch(1);
        private final CountDownLatch whole = new CountDownLatch(1);
    }

    private Adoption(
            Settings settings,
            CurrentFacts current,
            Kernel kernel,
            Cookie cookie,
            Ask ask,
            Runnable then,
            Parts parts,
            Log log)
            throws IOException {
        this.current = current;
        this.kernel = kernel;
        this.parts = parts;
        this.log = log;
        this.ask = ask;
        this.then = then;
        pages = new ForkDetectPages(
                settings.root().resolve("proc"), ProcessHandle.current().pid());
        identity = new Identity(settings, kernel, pages, facts -> cookie.renew(), current, log);
        console = new ConsoleFacts(settings.console(), log);
        parts.set(IDENTITY, Parts.STARTING);
        // The kernel's read does not let a virtual thread's carrier go.
        thread = Thread.ofPlatform().daemon().name(IDENTITY).unstarted(this::run);
    }

    /**
     * Begins to listen, where the facts say that this is a template's machine.
     *
     * @param ask asks it; called in the template
     * @param then what a machine begins that a template does not; called when it answers as itself, and before it serves anybody
     * @return empty when this is a machine already
     * @throws IOException when the console cannot be listened on
     */
    public static Optional<Adoption> begin(
            Settings settings,
            CurrentFacts current,
            Kernel kernel,
            Cookie cookie,
            Ask ask,
            Runnable then,
            Parts parts,
            Log log)
            throws IOException {
        if (!current.get().template()) {
            return Optional.empty();
        }
        var adoption = new Adoption(settings, current, kernel, cookie, ask, then, parts, log);
        adoption.thread.start();
        return Optional.of(adoption);
    }

    /** Whether this is still a template, or a clone of one that is nobody; it listens then, and its console is silent. */
    public boolean isPending() {
        boolean pending = becoming.pending;
        synchronized (this) {
            if (pending && open) {
                try {
                    console.keepSilent();
                } catch (IOException e) {
                    parts.fail(IDENTITY, "the console cannot be set: " + e.getMessage());
                }
            }
        }
        return pending;
    }

    /**
     * Waits until this is somebody.
     *
     * @param atMost the wait ends then, whether it is or not
     * @throws InterruptedException when the calling thread is interrupted
     */
    public void await(Duration atMost) throws InterruptedException {
        var _ = becoming.over.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** An answer has been sent. */
    public void answered() {
        Becoming now = becoming;
        if (!now.pending) {
            now.told.countDown();
        }
    }

    /** The time: until this is wholly somebody, that to which its clock is going to be set. */
    public Instant now() {
        Becoming now = becoming;
        @Nullable NewFacts facts = now.facts;
        return facts == null || isWhole() ? Instant.now() : facts.now();
    }

    /** Whether this is wholly somebody. */
    public boolean isWhole() {
        return becoming.whole.getCount() == 0;
    }

    /**
     * Waits, once this is somebody, until its identity is whole. Of a template there is nothing to wait for.
     *
     * @throws FailureException PART_FAILED when it does not come to be
     */
    public void awaitWhole() {
        Becoming now = becoming;
        if (now.facts == null) {
            return;
        }
        try {
            if (now.whole.await(WHOLE.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The agent ends.
        }
        throw FailureException.of(
                CauseCode.PART_FAILED,
                "The machine has not become itself.",
                parts.snapshot().toString());
    }

    /**
     * Does before the snapshot what would take long after it, once all else is up, and tells when nothing happens any more.
     *
     * @throws InterruptedException when the calling thread is interrupted
     */
    public void prepare() throws InterruptedException {
        try {
            synchronized (identity) {
                if (!begun) {
                    rehearse();
                }
            }
            for (int looks = 1; pages.look() > 0 && looks < MOST_LOOKS; looks++) {
                Thread.sleep(BETWEEN_LOOKS); // The kernel announces no mapping of another process's.
            }
            parts.set(IDENTITY, Parts.OK);
        } catch (IOException | RuntimeException e) {
            failed(CauseCode.TEMPLATE_FAILED, e);
        }
    }

    /**
     * Becomes what it is already while it is asked who it is: all that has to be loaded is loaded then, and what cannot be is known before
     * there are clones.
     *
     * @throws IOException when a clone could not become another, or could not be asked
     */
    private void rehearse() throws IOException, InterruptedException {
        var rehearsal = new Becoming();
        becoming = rehearsal;
        try {
            NewFacts again = identity.again();
            Thread asking = Thread.ofVirtual().name("ask").start(() -> {
                try {
                    ask.ask();
                } catch (IOException e) {
                    log.line("identity: the rehearsal was not asked: " + e.getMessage());
                }
            });
            become(again, rehearsal, () -> {});
            asking.join();
        } finally {
            becoming = new Becoming();
        }
    }

    /** Listens no more. */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (open) {
                console.wake();
            }
        }
        boolean interrupted = false;
        try {
            thread.join();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            // What wakes when a clone does (Chromium has dozens of threads) would run for a tenth of a second in
            // between.
            kernel.goFirst();
            Optional<NewFacts> facts = console.await(current.get());
            if (facts.isPresent()) {
                become(facts.get());
            }
        } catch (IOException | RuntimeException e) {
            failed(CauseCode.TEMPLATE_UNUSABLE, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The agent ends.
        } finally {
            closeConsole();
        }
    }

    private void failed(CauseCode code, Exception e) {
        parts.fail(IDENTITY, String.valueOf(e.getMessage()));
        // In the form in which an agent tells why it does not start, which whoever waits for this machine knows.
        log.line("start: failed: " + code + " identity: " + e.getMessage());
    }

    private void closeConsole() {
        synchronized (this) {
            if (open) {
                open = false;
                console.close();
            }
        }
    }

    private void become(NewFacts facts) throws IOException, InterruptedException {
        synchronized (identity) {
            begun = true;
            Account account = become(facts, becoming, last);
            log.line("adopted as " + facts.facts().machineId() + " (ms since it was told): " + account);
        }
    }

    private void beginAsMachine() {
        then.run();
        closeConsole(); // Before anybody is served, it listens no more.
        parts.remove(IDENTITY);
    }

    /** Until it has answered, all is left out that can wait: each line of code that runs for the first time takes its time. */
    private Account become(NewFacts facts, Becoming into, Runnable last) throws IOException, InterruptedException {
        into.facts = facts;
        var account = new Account(facts.readAt());
        account.note("judged");
        identity.become(facts, account);
        into.pending = false;
        into.over.countDown();
        account.note("known");
        var _ = into.told.await(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        account.note("answered");
        identity.complete(facts, account);
        last.run();
        into.whole.countDown();
        account.note("whole");
        return account;
    }
}
