package dev.sallyport.controller.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.controller.admission.StartRates;
import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.AdminToken;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.image.ImageStore;
import dev.sallyport.provider.Providers;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Tickets;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** Everything that the API answers from. */
public record Api(
        Sessions sessions,
        Machines machines,
        CliMachines cliMachines,
        Providers providers,
        ImageStore images,
        SessionStore sessionStore,
        MachineStore machineStore,
        TimelineStore timelines,
        TokenStore tokens,
        AdminToken admin,
        Tickets tickets,
        ScreenRelay relay,
        ConsoleLogs consoles,
        StartRates startRates,
        PrometheusMeterRegistry metrics,
        Peers peers) {

    Authentication authentication() {
        return new Authentication(admin, tokens, peers);
    }

    ElsewhereFilter elsewhere() {
        return new ElsewhereFilter(peers, sessionStore);
    }

    /** The resources, each made with what it needs alone. */
    Object[] resources(ObjectMapper json) {
        var gate = new StartGate(startRates);
        return new Object[] {
            new SessionResource(
                    sessions,
                    sessionStore,
                    new SessionEvents(timelines, sessionStore, sessions::isActive, json),
                    tickets,
                    tokens,
                    new SessionConsoles(machineStore, consoles),
                    peers,
                    gate),
            new MachineResource(machines, cliMachines, machineStore, timelines, consoles, gate),
            new SystemResource(sessions, providers, images, tokens, metrics),
            new OpenApiResource()
        };
    }
}
