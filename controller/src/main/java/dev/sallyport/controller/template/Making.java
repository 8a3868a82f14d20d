package dev.sallyport.controller.template;

import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Owner;
import dev.sallyport.image.Failures;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes one template: boots a machine, waits until it has nothing left to do, and keeps what it is then. */
final class Making {
    private static final Logger LOG = LoggerFactory.getLogger(Making.class);

    private final Machines machines;
    private final TemplateFolders folders;
    private final Ripening ripening;

    Making(Machines machines, TemplateFolders folders, Ripening ripening) {
        this.machines = machines;
        this.folders = folders;
        this.ripening = ripening;
    }

    /**
     * Makes a template of {@code key}. Nothing is left of the machine when this returns or throws, nor of a template that is not whole.
     *
     * @param place the machine's room
     * @return false when what is current changed meanwhile, so that it is none of that key
     */
    boolean make(MachineId id, VmType type, TemplateKey key, Place place, Instant now)
            throws IOException, InterruptedException {
        Path folder;
        try {
            folder = folders.begin();
        } catch (IOException e) {
            place.close();
            throw e;
        }
        boolean whole = false;
        try {
            LiveMachine machine = machines.startSpare(id, type, new Owner.Template(folder), place);
            String image = machine.machine().spec().image().id();
            if (!machines.templateKey(type).equals(Optional.of(key))) {
                machines.end(id, "another image is current now");
                return false;
            }
            snapshot(machine);
            folders.put(folder, type, image, key, now);
            whole = true;
            return true;
        } finally {
            if (!whole) {
                removeUnfinished(folder);
            }
        }
    }

    private void snapshot(LiveMachine machine) throws InterruptedException {
        MachineId id = machine.id();
        String reason = "making the template was given up";
        Cause cause = null;
        try {
            ripening.await(machine, (step, text) -> machines.tell(id, step, text, Map.of()));
            machine.machine().snapshot();
            machines.tell(id, "snapshot", "The template is made of it.", Map.of());
            reason = "the template is made";
        } catch (FailureException e) {
            cause = e.reason();
            reason = "no template could be made of it: " + cause.code();
            machines.tell(id, "failed", cause.code().sentence(), cause.details());
            throw e;
        } finally {
            if (cause == null) {
                machines.end(id, reason);
            } else {
                machines.end(id, reason, cause);
            }
        }
    }

    private static void removeUnfinished(Path folder) {
        try {
            TemplateFolders.remove(folder);
        } catch (IOException e) {
            FailureException named = Failures.of(CauseCode.TEMPLATE_FAILED, "removing " + folder, e);
            LOG.warn(
                    "What was made of a template could not be removed: {}",
                    named.reason().detail()); // The next maker tries.
        }
    }
}
