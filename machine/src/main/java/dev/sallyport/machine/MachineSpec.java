package dev.sallyport.machine;

import dev.sallyport.image.Image;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.nio.file.Path;
import java.util.Map;

/**
 * What to start.
 *
 * @param id the machine's id; names of outside things are made from it
 * @param type its kind
 * @param image what it is made from
 * @param memoryMib guest memory in MiB
 * @param cpus virtual processors
 * @param diskBytes size of its writable disk; sparse, so that it costs what is written
 * @param directory an existing folder of its own, for its disks, sockets and console log; the driver closes it to other users
 * @param facts non-secret settings for its agent by name ({@code [a-z][a-z0-9_]*}, one line each); the driver adds {@code machine_id}, {@code vm_type} and the network's
 * @param egress asked as soon as the address is known at which the machine will look for its gateway; when it could not listen
 *     there, it may be asked again with another port
 * @param origin what it begins from
 */
public record MachineSpec(
        MachineId id,
        VmType type,
        Image image,
        int memoryMib,
        int cpus,
        long diskBytes,
        Path directory,
        Map<String, String> facts,
        EgressDoor egress,
        Origin origin) {
    public MachineSpec {
        facts = Map.copyOf(facts);
    }

    /** A machine that boots its image. */
    public MachineSpec(
            MachineId id,
            VmType type,
            Image image,
            int memoryMib,
            int cpus,
            long diskBytes,
            Path directory,
            Map<String, String> facts,
            EgressDoor egress) {
        this(id, type, image, memoryMib, cpus, diskBytes, directory, facts, egress, new Origin.Image());
    }

    /** The same with another origin. */
    public MachineSpec from(Origin other) {
        return new MachineSpec(id, type, image, memoryMib, cpus, diskBytes, directory, facts, egress, other);
    }
}
