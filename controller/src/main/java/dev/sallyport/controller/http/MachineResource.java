package dev.sallyport.controller.http;

import dev.sallyport.controller.http.Views.EventView;
import dev.sallyport.controller.http.Views.EventsAnswer;
import dev.sallyport.controller.http.Views.MachineAnswer;
import dev.sallyport.controller.http.Views.MachineView;
import dev.sallyport.controller.http.Views.MachinesAnswer;
import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.store.MachineQuery;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.Page;
import dev.sallyport.controller.store.Purpose;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Machines: {@code /api/vm}. */
@Path("/api/vm")
@Produces(MediaType.APPLICATION_JSON)
public final class MachineResource {
    private static final int EVENTS = 500;

    private final Machines machines;
    private final CliMachines cliMachines;
    private final MachineStore store;
    private final TimelineStore timelines;
    private final ConsoleLogs consoles;
    private final StartGate gate;

    MachineResource(
            Machines machines,
            CliMachines cliMachines,
            MachineStore store,
            TimelineStore timelines,
            ConsoleLogs consoles,
            StartGate gate) {
        this.machines = machines;
        this.cliMachines = cliMachines;
        this.store = store;
        this.timelines = timelines;
        this.consoles = consoles;
        this.gate = gate;
    }

    /** The body of {@code POST /api/vm/create}. */
    record CreateRequest(@Nullable String userId, @Nullable String vmType) {}

    /**
     * The user's CLI machine: the one that runs, or a fresh one; answered when its agent answers. A browser machine belongs to a
     * session and is made by starting one.
     */
    @POST
    @Path("create")
    @Consumes(MediaType.APPLICATION_JSON)
    public MachineAnswer create(
            @Context ContainerRequestContext request, @Context HttpServletRequest servlet, @Nullable CreateRequest body)
            throws InterruptedException {
        Caller caller = Authentication.callerOf(request);
        if (body == null || body.vmType() == null) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The field 'vmType' is missing.");
        }
        if (VmType.ofWire(body.vmType()) == VmType.BROWSER) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST, "Browser machines belong to sign-ins: POST /api/auth/start makes one.");
        }
        UserId user = caller.actingFor(body.userId());
        gate.pass(caller, user, servlet);
        MachineId id = cliMachines.of(user, null, null).id();
        return new MachineAnswer(true, MachineView.of(store.get(SessionResource.scope(caller), id)));
    }

    @GET
    public MachinesAnswer list(
            @Context ContainerRequestContext request,
            @QueryParam("alive") @DefaultValue("false") boolean alive,
            @QueryParam("before") @Nullable String before,
            @QueryParam("limit") @DefaultValue("50") int limit) {
        Caller caller = Authentication.callerOf(request);
        Page<StoredMachine> page = store.list(
                SessionResource.scope(caller),
                new MachineQuery(caller.user().orElse(null), null, alive),
                before,
                Limits.page(limit));
        return new MachinesAnswer(page.items().stream().map(MachineView::of).toList(), page.next());
    }

    @GET
    @Path("{id}")
    public MachineAnswer get(@Context ContainerRequestContext request, @PathParam("id") String id) {
        return new MachineAnswer(true, MachineView.of(owned(request, id)));
    }

    @GET
    @Path("{id}/events")
    public EventsAnswer events(
            @Context ContainerRequestContext request,
            @PathParam("id") String id,
            @QueryParam("after") @DefaultValue("0") long after) {
        StoredMachine machine = owned(request, id);
        return new EventsAnswer(timelines
                .read(
                        SessionResource.scope(Authentication.callerOf(request)),
                        TimelineId.of(machine.id()),
                        after,
                        EVENTS)
                .stream()
                .map(event -> EventView.of(event, machine.createdAt()))
                .toList());
    }

    /** The console's kept lines as text, also after the machine's end. What is not printable is left out: it comes from a machine. */
    @GET
    @Path("{id}/console")
    @Produces(MediaType.TEXT_PLAIN)
    public String console(@Context ContainerRequestContext request, @PathParam("id") String id) throws IOException {
        return SessionConsoles.text(consoles, owned(request, id).id());
    }

    @DELETE
    @Path("{id}")
    public MachineAnswer end(@Context ContainerRequestContext request, @PathParam("id") String id) {
        StoredMachine machine = owned(request, id);
        if (machine.type() == VmType.BROWSER && machine.purpose() == Purpose.USER) {
            throw FailureException.of(CauseCode.CONFLICT, "A browser machine ends with its session: cancel that.");
        }
        machines.end(machine.id(), machine.purpose() == Purpose.USER ? "its user ended it" : "an operator ended it");
        return new MachineAnswer(true, MachineView.of(owned(request, id)));
    }

    private StoredMachine owned(ContainerRequestContext request, String id) {
        Caller caller = Authentication.callerOf(request);
        return store.get(SessionResource.scope(caller), new MachineId(id));
    }
}
