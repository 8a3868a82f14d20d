package dev.sallyport.agent.identity;

import dev.sallyport.agent.CurrentFacts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Kernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** All that a clone changes of itself to be a machine of its own, in the order in which that must be. */
final class Identity {
    private final Path file;
    private final Path run;
    private final CurrentFacts current;
    private final Log log;
    private final List<Step> first;
    private final List<Step> rest;

    /** One of the steps. */
    @FunctionalInterface
    interface Action {
        void apply(NewFacts facts) throws IOException, InterruptedException;
    }

    private record Step(String name, Action action) {}

    /**
     * @param pages the generators of other processes
     * @param cookie renews the secret of the display, where there is one
     * @param current what the machine is, replaced as the last step: from then on the new token is the right one
     */
    Identity(Settings settings, Kernel kernel, ForkDetectPages pages, Action cookie, CurrentFacts current, Log log) {
        this.current = current;
        this.log = log;
        file = settings.facts();
        run = settings.run();
        Path root = settings.root();
        var names = new HostNames(root, kernel);
        var boot = new BootId(settings.run(), root, kernel);
        var address = new Address(root, kernel);
        first = List.of(
                new Step("random", facts -> kernel.reseed(facts.entropy())),
                new Step("generators", facts -> pages.wipe()),
                new Step("address", address::set),
                new Step("facts", facts -> current.replace(facts.facts())));
        rest = List.of(
                // It wakes who waits for a time, of which there are some.
                new Step("clock", facts -> kernel.setClock(facts.now())),
                new Step("file", facts -> write(settings.facts(), facts.lines())),
                new Step("names", facts -> names.set(facts.facts())),
                new Step("boot_id", facts -> boot.renew()),
                new Step("cookie", cookie),
                // What came to be after the last look: nothing, where the template was quiet.
                new Step("late generators", facts -> {
                    if (pages.look() > 0) {
                        pages.wipe();
                    }
                }));
    }

    /**
     * A template's own facts, told to it as a clone is told its own.
     *
     * @throws IOException when they cannot be read, or a clone would refuse such
     */
    NewFacts again() throws IOException {
        List<String> own = Files.readAllLines(file);
        try {
            return ConsoleFacts.rehearse(run.resolve("facts-again"), NewFacts.again(own), current.get(), log)
                    .ofTemplate(own);
        } catch (NewFacts.Refused e) {
            throw new IOException("the template's own facts: " + e.getMessage(), e);
        }
    }

    /**
     * Takes on what others see: from then on it answers as itself.
     *
     * @throws IOException when a step could not be done, with its name; those before it are done, those after it are not
     */
    void become(NewFacts facts, Account account) throws IOException, InterruptedException {
        apply(first, facts, account);
    }

    /**
     * Takes on what must be before it serves anybody.
     *
     * @throws IOException as {@link #become}
     */
    void complete(NewFacts facts, Account account) throws IOException, InterruptedException {
        apply(rest, facts, account);
    }

    private static void apply(List<Step> steps, NewFacts facts, Account account)
            throws IOException, InterruptedException {
        for (Step step : steps) {
            try {
                step.action().apply(facts);
            } catch (IOException | RuntimeException e) {
                throw new IOException(step.name() + ": " + e.getMessage(), e);
            }
            account.note(step.name());
        }
    }

    private static void write(Path file, List<String> lines) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.write(fresh, lines);
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("r--r--r--"));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
