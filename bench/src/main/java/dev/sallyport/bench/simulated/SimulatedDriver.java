package dev.sallyport.bench.simulated;

import dev.sallyport.image.Failures;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.machine.StepListener;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes machines of nothing. What the controller does for a machine is all done, as often as for a real one: entries in the
 * ledger, told steps, a console log in its folder, a door to the world; only the hypervisor's part is left out. Their agents
 * are played by {@link SimulatedAgents}.
 */
public final class SimulatedDriver implements MachineDriver {
    static final String NAME = "simulated";
    static final String KIND = "simulated";

    /** As many things, and as many of them together, as QEMU needs with user-mode networking. */
    private static final List<List<String>> THINGS = List.of(
            List.of("facts", "disk", "told socket", "console input", "console output", "monitor socket"),
            List.of("process"));

    private static final byte[] CONSOLE =
            "simulated: booting\nsimulated: the agent is up\n".getBytes(StandardCharsets.US_ASCII);

    /** Where each machine looks for its door: one port for all, as with TAP networks, and not theirs. */
    private static final int DOOR_PORT = 3129;

    private final MachineAddresses addresses;
    private final int agentPort;
    private final Set<String> things = ConcurrentHashMap.newKeySet();

    /**
     * @param addresses shared with the agents
     * @param agentPort the port of {@link SimulatedAgents}
     */
    public SimulatedDriver(MachineAddresses addresses, int agentPort) {
        this.addresses = addresses;
        this.agentPort = agentPort;
    }

    /** How many things are made and not undone. */
    public int things() {
        return things.size();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        var made = new MadeThings(ledger, this::undo);
        InetAddress address = addresses.claim(spec.id());
        try {
            return make(spec, made, steps, address);
        } catch (IOException e) {
            addresses.release(address);
            made.undoAll();
            throw new FailureException(
                    Cause.of(
                            Failures.codeOf(String.valueOf(e.getMessage()), CauseCode.HYPERVISOR_FAILED),
                            "Starting " + spec.id() + " failed.",
                            e.toString()),
                    e);
        } catch (RuntimeException e) {
            addresses.release(address);
            made.undoAll();
            throw e;
        }
    }

    private Machine make(MachineSpec spec, MadeThings made, StepListener steps, InetAddress address)
            throws IOException {
        steps.done("image", "Nothing of the image is read.", Map.of());
        steps.done("accelerator", "None.", Map.of());
        spec.egress().open(address, DOOR_PORT);
        steps.done("network", "An address of the loopback network.", Map.of("address", address.getHostAddress()));
        for (List<String> together : THINGS) {
            Resource[] resources = together.stream()
                    .map(thing -> new Resource(NAME, KIND, thing + " of " + spec.id()))
                    .toArray(Resource[]::new);
            made.intend(resources);
            for (Resource resource : resources) {
                things.add(resource.name());
            }
        }
        steps.done("disk", "None.", Map.of());
        var console = new SpooledConsole(spec.directory().resolve("console.log"));
        try (console) {
            console.append(CONSOLE, 0, CONSOLE.length);
        }
        steps.done("hypervisor", "None.", Map.of());
        return new SimulatedMachine(spec, new InetSocketAddress(address, agentPort), console, () -> {
            addresses.release(address);
            return made.undoAll();
        });
    }

    /** None outlives its process. */
    @Override
    public Optional<Machine> adopt(
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps) {
        return Optional.empty();
    }

    @Override
    public List<Resource> traces(MachineId id, Path directory) {
        return THINGS.stream()
                .map(thing -> new Resource(NAME, KIND, thing + " of " + id))
                .toList()
                .reversed();
    }

    @Override
    public List<String> undo(Resource resource) {
        if (!resource.driver().equals(NAME)) {
            return List.of("a resource of " + resource.driver() + " is not undone by " + NAME);
        }
        things.remove(resource.name());
        return List.of();
    }
}
