package dev.sallyport.controller.pool;

import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.controller.store.TimelineStore.Entry;
import dev.sallyport.egress.EgressEvent;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.machine.StepListener;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.VmType;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Writes a machine's steps to its own timeline and, behind the kind's name, to that of the session that it serves. */
public final class MachineTimeline {
    /** A page may ask for hundreds of hosts; the first few tell the story. */
    private static final int REFUSALS_TOLD = 8;

    private final TimelineStore timelines;

    public MachineTimeline(TimelineStore timelines) {
        this.timelines = timelines;
    }

    Recorder of(MachineId id, MachineRequest request) {
        return new Recorder(id, request);
    }

    /** A machine is gone; its session is told too, whoever works on it. */
    void gone(StoredMachine machine) {
        SessionId session = machine.session();
        if (session != null && machine.type() == VmType.BROWSER) {
            timelines.append(
                    TimelineId.of(session),
                    "browser.ended",
                    "The browser machine is gone.",
                    Map.of("reason", String.valueOf(machine.endReason())));
        }
    }

    /** Records one machine's steps. */
    final class Recorder implements StepListener, EgressGateway.Listener {
        private final MachineId id;
        private final Set<String> refused = ConcurrentHashMap.newKeySet();
        private volatile MachineRequest request;
        private volatile EgressTroubles troubles = new EgressTroubles(InstantSource.system());

        private Recorder(MachineId id, MachineRequest request) {
            this.id = id;
            this.request = request;
        }

        @Override
        public void done(String step, String text, Map<String, String> details) {
            timelines.note(entries(step, text, details));
        }

        /** What {@link #done} would write down, for who has a transaction to do it in. */
        List<Entry> entries(String step, String text, Map<String, String> details) {
            MachineRequest now = request;
            SessionId session = now.owner().session();
            var own = new Entry(TimelineId.of(id), step, text, details);
            return session == null
                    ? List.of(own)
                    : List.of(own, new Entry(TimelineId.of(session), now.type().wire() + "." + step, text, details));
        }

        /** It is another's from now on, who is not told of what it wanted before. */
        void serve(MachineRequest other) {
            troubles = new EgressTroubles(InstantSource.system());
            refused.clear();
            request = other;
        }

        /** What the machine did not get. */
        EgressTroubles egressTroubles() {
            return troubles;
        }

        @Override
        public void reachedAgain(String host) {
            troubles.reached(host);
        }

        @Override
        public void happened(EgressEvent event) {
            troubles.happened(event);
            if (refused.size() < REFUSALS_TOLD && refused.add(event.host())) {
                done(
                        "egress_" + event.kind().name().toLowerCase(java.util.Locale.ROOT),
                        event.reason(),
                        Map.of("host", event.host()));
            }
        }
    }
}
