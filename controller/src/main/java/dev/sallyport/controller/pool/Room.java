package dev.sallyport.controller.pool;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.Need;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** What starts take of this host, by the shapes of its machines, at the gate that lets them in. */
public final class Room {
    /** What a hypervisor takes beside its guest: its own code and heap, and, where it emulates, the cache of translated code. */
    private static final long BESIDE_A_BROWSER = 320L << 20;

    private static final long BESIDE_A_CLI = 128L << 20;

    private final Settings settings;
    private final Admission admission;
    private final AtomicLong asked = new AtomicLong();

    public Room(Settings settings, Admission admission) {
        this.settings = settings;
        this.admission = admission;
    }

    /**
     * Asks for a browser machine's room, and a CLI machine's with it where the user has none yet.
     *
     * @throws dev.sallyport.model.FailureException HOST_FULL or USER_LIMIT, with when to try again
     */
    public Place forSignIn(UserId user, boolean withCli) {
        Need browser = need(VmType.BROWSER);
        return admission.enter(user, key(), withCli ? browser.plus(need(VmType.CLI)) : browser);
    }

    /**
     * Asks for a CLI machine's room.
     *
     * @throws dev.sallyport.model.FailureException HOST_FULL, with when to try again
     */
    Place forCli(UserId user) {
        return admission.enter(user, key(), need(VmType.CLI));
    }

    /** The CLI machine's part of an admitted place that was asked for with it. */
    public Place cliPart(Place whole) {
        return whole.part(key(), need(VmType.CLI));
    }

    /** Counts a machine that runs already. */
    Place ofAdopted(MachineId id, VmType type, UserId user) {
        return admission.resume(user, id.value(), need(type));
    }

    /** Asks for the room of a machine that is nobody's; see {@link Admission#spare}. */
    public Optional<Place> forSpare(MachineId id, VmType type, Runnable giveWay) {
        return admission.spare(id.value(), need(type), giveWay);
    }

    /** Counts a machine that runs already and is nobody's. */
    Place ofAdoptedSpare(MachineId id, VmType type, Runnable giveWay) {
        return admission.resumeSpare(id.value(), need(type), giveWay);
    }

    private Need need(VmType type) {
        long memory = (long) settings.shape(type).memoryMib() << 20;
        return switch (type) {
            case BROWSER -> Need.browser(memory + BESIDE_A_BROWSER);
            case CLI -> Need.cli(memory + BESIDE_A_CLI);
        };
    }

    private String key() {
        return "start " + asked.incrementAndGet();
    }
}
