package dev.sallyport.controller.metrics;

import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.Memory;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Standbys;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredHost;
import dev.sallyport.controller.template.TemplateMaker;
import dev.sallyport.controller.template.TemplateShelf;
import dev.sallyport.controller.warm.WarmPool;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.VmType;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Viewers;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What {@code /metrics} tells, read from the parts themselves when it is asked. What is counted in the database is the whole
 * installation's, whichever controller is asked.
 */
public final class Metrics implements AutoCloseable {
    private final MeterRegistry registry;
    private final JvmGcMetrics collector = new JvmGcMetrics();

    public Metrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** The running sign-ins, machines and screens of this host. */
    public Metrics parts(Sessions sessions, Machines machines, ScreenRelay relay, Viewers viewers) {
        Gauge.builder("sallyport.sessions.active", sessions, Sessions::active)
                .description("Sign-ins that this host works on")
                .register(registry);
        for (VmType type : VmType.values()) {
            Gauge.builder("sallyport.machines.running", machines, all -> all.running(type))
                    .description("Machines that run on this host")
                    .tag("kind", type.wire())
                    .register(registry);
        }
        counter(
                "sallyport.machines.adopted",
                "Machines of a controller before this one",
                machines,
                Machines::adopted,
                "outcome",
                "adopted");
        counter(
                "sallyport.machines.adopted",
                "Machines of a controller before this one",
                machines,
                Machines::notAdopted,
                "outcome",
                "gone");
        counter(
                "sallyport.orphans.removed",
                "Things that nobody knew of",
                machines,
                Machines::orphansRemoved,
                "what",
                "machine");
        Gauge.builder("sallyport.viewers", viewers, Viewers::watching)
                .description("Open screens")
                .register(registry);
        counter(
                "sallyport.relay.bytes",
                "Bytes of screens relayed",
                relay,
                ScreenRelay::bytesToViewers,
                "direction",
                "to_viewers");
        counter(
                "sallyport.relay.bytes",
                "Bytes of screens relayed",
                relay,
                ScreenRelay::bytesToMachines,
                "direction",
                "to_machines");
        return this;
    }

    /** The gate for starts. */
    public Metrics room(Admission admission, Memory memory) {
        Gauge.builder("sallyport.queue.waiting", admission, Admission::waiting)
                .description("Starts that wait for room")
                .register(registry);
        Gauge.builder("sallyport.memory.promised", admission, Admission::promised)
                .description("Memory that is kept free for machines that have not taken it yet")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("sallyport.memory.available", memory, Memory::available)
                .description("Memory that is free on this host")
                .baseUnit("bytes")
                .register(registry);
        for (CauseCode reason : List.of(CauseCode.HOST_FULL, CauseCode.USER_LIMIT)) {
            counter(
                    "sallyport.admission.refused",
                    "Starts that were refused",
                    admission,
                    gate -> gate.refused(reason),
                    "reason",
                    reason.name());
        }
        return this;
    }

    /** What is made ready before it is asked for. */
    public Metrics ahead(TemplateShelf templates, TemplateMaker maker, WarmPool warm, Standbys standbys) {
        for (VmType type : VmType.values()) {
            Gauge.builder("sallyport.pool.machines", warm, pool -> pool.size(type))
                    .description("Machines that are kept ready for users")
                    .tag("kind", type.wire())
                    .register(registry);
            Gauge.builder("sallyport.pool.target", warm, pool -> pool.target(type))
                    .description("How many are to be kept ready")
                    .tag("kind", type.wire())
                    .register(registry);
            Gauge.builder("sallyport.standby.hypervisors", standbys, all -> all.size(type))
                    .description("Hypervisors that wait for a user's start")
                    .tag("kind", type.wire())
                    .register(registry);
            claims(warm, type, "hit", pool -> pool.hits(type));
            claims(warm, type, "miss", pool -> pool.misses(type));
            Gauge.builder(
                            "sallyport.template.age",
                            templates,
                            shelf -> shelf.age(type)
                                    .map(age -> (double) age.toSeconds())
                                    .orElse(Double.NaN))
                    .description("How old the template is that machines begin from")
                    .baseUnit("seconds")
                    .tag("kind", type.wire())
                    .register(registry);
        }
        String made = "Templates that were made, or could not be";
        counter("sallyport.templates", made, maker, TemplateMaker::made, "outcome", "made");
        counter("sallyport.templates", made, maker, TemplateMaker::failed, "outcome", "failed");
        String restored = "Machines that were to begin from a template";
        counter("sallyport.template.restores", restored, templates, TemplateShelf::restored, "outcome", "done");
        counter("sallyport.template.restores", restored, templates, TemplateShelf::unusable, "outcome", "failed");
        return this;
    }

    private void claims(WarmPool warm, VmType type, String outcome, ToDoubleFunction<WarmPool> count) {
        FunctionCounter.builder("sallyport.pool.claims", warm, count)
                .description("Users who wanted a machine, by whether one was kept ready")
                .tag("kind", type.wire())
                .tag("outcome", outcome)
                .register(registry);
    }

    /** This host's lease. */
    public Metrics lease(Lease lease) {
        Gauge.builder("sallyport.lease.held", lease, held -> held.isHeld() ? 1 : 0)
                .description("Whether this host may act")
                .register(registry);
        counter(
                "sallyport.lease.renewals",
                "Renewals of this host's lease",
                lease,
                Lease::renewals,
                "outcome",
                "renewed");
        counter(
                "sallyport.lease.renewals",
                "Renewals of this host's lease",
                lease,
                Lease::failures,
                "outcome",
                "failed");
        counter("sallyport.lease.renewals", "Renewals of this host's lease", lease, Lease::losses, "outcome", "lost");
        return this;
    }

    /** What stands in the database. */
    public Metrics stored(SessionStore sessions, MachineStore machines, HostStore hosts) {
        var open = new Lately<>(sessions::running);
        for (SessionStatus status : SessionStatus.values()) {
            if (!status.isEnded()) {
                Gauge.builder(
                                "sallyport.sessions.open",
                                open,
                                now -> now.get()
                                        .map(counts -> counts.getOrDefault(status, 0L))
                                        .orElse(0L))
                        .description("Sign-ins that have not ended")
                        .tag("status", status.wire())
                        .register(registry);
            }
        }
        var alive = new Lately<>(machines::counts);
        for (VmType type : VmType.values()) {
            for (MachineState state : MachineState.values()) {
                if (state != MachineState.DESTROYED) {
                    Gauge.builder(
                                    "sallyport.machines",
                                    alive,
                                    now -> now.get().stream()
                                            .flatMap(List::stream)
                                            .filter(count -> count.type() == type && count.state() == state)
                                            .mapToLong(MachineStore.Count::machines)
                                            .sum())
                            .description("Machines that are not destroyed")
                            .tag("kind", type.wire())
                            .tag("state", state.wire())
                            .register(registry);
                }
            }
        }
        var all = new Lately<>(hosts::all);
        for (StoredHost.State state : StoredHost.State.values()) {
            Gauge.builder(
                            "sallyport.hosts",
                            all,
                            now -> now.get().stream()
                                    .flatMap(List::stream)
                                    .filter(host -> host.state() == state)
                                    .count())
                    .description("Hosts, by what became of their leases")
                    .tag("state", state.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
        return this;
    }

    /** This process. */
    public Metrics process() {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        collector.bindTo(registry);
        return this;
    }

    @Override
    public void close() {
        collector.close();
    }

    private <T> void counter(
            String name, String description, T of, ToDoubleFunction<T> count, String tag, String value) {
        FunctionCounter.builder(name, of, count)
                .description(description)
                .tag(tag, value)
                .register(registry);
    }
}
