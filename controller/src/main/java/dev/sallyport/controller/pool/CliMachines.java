package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.store.Database;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import dev.sallyport.vault.CredentialFile;
import dev.sallyport.vault.Opened;
import dev.sallyport.vault.Vault;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The users' CLI machines: one a user, started when first wanted, kept, and started again when it ended. A fresh one gets back
 * every credential that the vault holds for its user.
 */
public final class CliMachines {
    private static final Logger LOG = LoggerFactory.getLogger(CliMachines.class);

    private final Machines machines;
    private final Providers providers;
    private final Vault vault;
    private final Room room;
    private final Map<UserId, CompletableFuture<LiveMachine>> byUser = new HashMap<>();
    /** When it has so many entries, those of machines that are gone are dropped. */
    private int full = 64;

    public CliMachines(Machines machines, Providers providers, Vault vault, Room room) {
        this.machines = machines;
        this.room = room;
        this.providers = providers;
        this.vault = vault;
    }

    /** Knows the machines that were adopted; those that still boot too. */
    public void adopt() {
        for (LiveMachine machine : machines.all()) {
            UserId user = machine.owner().user().orElse(null);
            if (machine.type() == VmType.CLI && user != null) {
                var known = new CompletableFuture<LiveMachine>();
                synchronized (byUser) {
                    byUser.put(user, known);
                }
                Thread.ofVirtual()
                        .name("cli machine of " + user)
                        .start(() -> complete(known, () -> adopted(machine, user)));
            }
        }
    }

    /** Knows none any more. */
    public void abandon() {
        synchronized (byUser) {
            byUser.clear();
        }
    }

    /** The controller before may have been killed before it gave the machine its user's credentials. */
    private LiveMachine adopted(LiveMachine machine, UserId user) {
        try {
            LiveMachine ready = machines.await(machine.id())
                    .orElseThrow(() -> FailureException.of(CauseCode.MACHINE_ENDED, "It ended meanwhile."));
            if (!machines.isFurnished(machine.id())) {
                furnish(ready, user);
            }
            return ready;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a CLI machine came up", e);
        }
    }

    private void furnish(LiveMachine machine, UserId user) throws InterruptedException {
        for (Provider provider : providers.all()) {
            restore(machine, user, provider);
        }
        machines.furnished(machine.id());
    }

    /**
     * The CLI machine of {@code user}: the running one, or a fresh one.
     *
     * @param session on whose timeline a fresh machine's start is told; null for none
     * @param place a fresh machine's room, admitted; null to ask for it here, and to wait for it. Given back when it is not needed
     * @throws dev.sallyport.model.FailureException when it does not come up, or there is no room
     */
    public LiveMachine of(UserId user, @Nullable SessionId session, @Nullable Place place) throws InterruptedException {
        CompletableFuture<LiveMachine> wanted;
        boolean ours = false;
        synchronized (byUser) {
            CompletableFuture<LiveMachine> known = byUser.get(user);
            if (known == null || isGone(known)) {
                dropGone();
                known = new CompletableFuture<>();
                byUser.put(user, known);
                ours = true;
            }
            wanted = known;
        }
        if (ours) {
            startInto(wanted, user, session, place);
        } else if (place != null) {
            place.close();
        }
        try {
            return wanted.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException runtime) {
                throw runtime;
            }
            throw new IllegalStateException("the CLI machine's start ended in an unexpected way", e.getCause());
        }
    }

    /** Whether {@code user} has one here, or one that is coming up. */
    public boolean has(UserId user) {
        synchronized (byUser) {
            CompletableFuture<LiveMachine> known = byUser.get(user);
            return known != null && !isGone(known);
        }
    }

    private void startInto(
            CompletableFuture<LiveMachine> wanted, UserId user, @Nullable SessionId session, @Nullable Place place) {
        // A thread of its own: the machine is the user's and outlives the session that first asked for it.
        Thread.ofVirtual()
                .name("cli machine of " + user)
                .start(() -> complete(wanted, () -> fresh(user, session, place)));
    }

    private static void complete(CompletableFuture<LiveMachine> wanted, Supplier<LiveMachine> start) {
        Database.persevering(() -> {
            try {
                wanted.complete(start.get());
            } catch (RuntimeException e) {
                wanted.completeExceptionally(e);
            }
        });
    }

    private LiveMachine fresh(UserId user, @Nullable SessionId session, @Nullable Place given) {
        Set<String> egress = providers.all().stream()
                .flatMap(provider -> provider.egress().stream())
                .collect(Collectors.toSet());
        try {
            LiveMachine machine = machines.start(
                    new MachineRequest(VmType.CLI, user, session, egress), given == null ? admitted(user) : given);
            furnish(machine, user);
            return machine;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a CLI machine was started", e);
        }
    }

    private void restore(LiveMachine machine, UserId user, Provider provider) throws InterruptedException {
        Optional<Opened> kept = vault.open(user, provider.id());
        if (kept.isPresent()) {
            machine.agent()
                    .writeCredentials(new WriteCredentials(
                            provider,
                            new CredentialSet(
                                    provider.id().value(), toAgent(kept.get().files()))));
        }
    }

    private Place admitted(UserId user) throws InterruptedException {
        Place place = room.forCli(user);
        boolean in = false;
        try {
            place.await(number -> LOG.debug("A CLI machine of {} waits at place {}", user, number));
            in = true;
            return place;
        } finally {
            if (!in) {
                place.close();
            }
        }
    }

    private static List<CredentialSet.File> toAgent(List<CredentialFile> files) {
        return files.stream()
                .map(file -> new CredentialSet.File(file.path(), file.mode(), file.content()))
                .toList();
    }

    /** Guarded by {@code byUser}; seldom enough to cost a start nothing. */
    private void dropGone() {
        if (byUser.size() >= full) {
            byUser.values().removeIf(this::isGone);
            full = Math.max(64, 2 * byUser.size());
        }
    }

    private boolean isGone(CompletableFuture<LiveMachine> known) {
        return known.isCompletedExceptionally()
                || (known.isDone() && machines.find(known.join().id()).isEmpty());
    }
}
