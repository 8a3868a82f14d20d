package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.machine.Machine;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;

/**
 * A machine whose agent answers.
 *
 * @param user whose it is
 * @param machine the driver's handle
 * @param agent speaks to its agent with its token
 * @param egress what it wanted of the world and did not get
 */
public record LiveMachine(UserId user, Machine machine, AgentClient agent, EgressTroubles egress) {
    public MachineId id() {
        return machine.spec().id();
    }

    public VmType type() {
        return machine.spec().type();
    }
}
