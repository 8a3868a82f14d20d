package dev.sallyport.controller.http;

import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.store.MachineQuery;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The consoles of a session's machines, also of those that never came up, which the session itself does not name. */
final class SessionConsoles {
    private final MachineStore machines;
    private final ConsoleLogs consoles;

    SessionConsoles(MachineStore machines, ConsoleLogs consoles) {
        this.machines = machines;
        this.consoles = consoles;
    }

    /**
     * The console of {@code session}'s machine of one kind.
     *
     * @param scope of the caller
     * @throws FailureException NOT_FOUND when there was no such machine, or its log is no longer kept
     */
    String of(Scope scope, StoredSession session, VmType kind) throws IOException {
        MachineId id = machine(scope, session, kind)
                .orElseThrow(() -> FailureException.of(
                        CauseCode.NOT_FOUND, "The session has no " + kind.wire() + " machine of its own."));
        return text(consoles, id);
    }

    /**
     * The console of machine {@code id} as text, a line feed after each line.
     *
     * @throws FailureException NOT_FOUND when it is no longer kept
     */
    static String text(ConsoleLogs consoles, MachineId id) throws IOException {
        List<String> lines = consoles.lines(id)
                .orElseThrow(() ->
                        FailureException.of(CauseCode.NOT_FOUND, "No console log of the machine " + id + " is kept."));
        return lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
    }

    private Optional<MachineId> machine(Scope scope, StoredSession session, VmType kind) {
        MachineId named = kind == VmType.BROWSER ? session.browserMachine() : session.cliMachine();
        return Optional.ofNullable(named)
                .or(() -> machines.list(scope, MachineQuery.of(session.id(), kind), null, 1).items().stream()
                        .map(StoredMachine::id)
                        .findFirst());
    }
}
