package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers what it is told, one line each. */
final class RecordedOutcomes implements OutcomeListener {
    private final List<String> told = new CopyOnWriteArrayList<>();

    /** What was told about {@code id}. */
    List<String> of(String id) {
        return told.stream()
                .filter(line -> line.startsWith(id + " "))
                .map(line -> line.substring(id.length() + 1))
                .toList();
    }

    @Override
    public void sessionEnded(StoredSession session) {
        told.add(session.id() + " ended as " + session.status().wire());
    }

    @Override
    public void machineReady(StoredMachine machine) {
        told.add(machine.id() + " ready");
    }

    @Override
    public void startFailed(StoredMachine machine, Cause cause) {
        told.add(machine.id() + " failed with " + cause.code());
    }

    @Override
    public void diagnosed(Duration signToVerdict) {
        told.add("diagnosis took " + signToVerdict.toMillis());
    }
}
