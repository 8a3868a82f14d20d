package dev.sallyport.controller.metrics;

import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.model.VmType;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Viewers;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/** What {@code /metrics} tells, read from the parts themselves when it is asked. */
public final class Metrics {
    private Metrics() {}

    /** Adds the running parts' figures to {@code registry}. */
    public static void register(
            MeterRegistry registry, Sessions sessions, Machines machines, ScreenRelay relay, Viewers viewers) {
        Gauge.builder("sallyport.sessions.active", sessions, Sessions::active)
                .description("Sign-ins whose machines are up or coming up")
                .register(registry);
        for (VmType type : VmType.values()) {
            Gauge.builder("sallyport.machines.running", machines, all -> all.running(type))
                    .description("Machines that run")
                    .tag("kind", type.wire())
                    .register(registry);
        }
        Gauge.builder("sallyport.viewers", viewers, Viewers::watching)
                .description("Open screens")
                .register(registry);
        FunctionCounter.builder("sallyport.relay.bytes", relay, ScreenRelay::bytesToViewers)
                .description("Bytes of screens relayed")
                .baseUnit("bytes")
                .tag("direction", "to_viewers")
                .register(registry);
        FunctionCounter.builder("sallyport.relay.bytes", relay, ScreenRelay::bytesToMachines)
                .description("Bytes of screens relayed")
                .baseUnit("bytes")
                .tag("direction", "to_machines")
                .register(registry);
    }
}
