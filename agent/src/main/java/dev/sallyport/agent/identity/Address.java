package dev.sallyport.agent.identity;

import dev.sallyport.agent.linux.Ipv4;
import dev.sallyport.agent.linux.Kernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The address of the machine's one interface. */
final class Address {
    private static final int WHOLE = 32;

    private final Path devices;
    private final Kernel kernel;
    /** A clone has the devices of its template. */
    private @Nullable String found;

    /** @param root the machine's root folder */
    Address(Path root, Kernel kernel) {
        devices = root.resolve("proc/net/dev");
        this.kernel = kernel;
    }

    /**
     * Sets what has changed.
     *
     * @throws IOException when there is not one interface beside the loopback, or the kernel refuses
     */
    void set(NewFacts facts) throws IOException {
        if (facts.address().isEmpty()) {
            return;
        }
        Ipv4.Net wanted = facts.address().get();
        String device = device();
        // Also where it is the same, which the kernel sees: the template rehearses what its clones do.
        kernel.setAddress(device, wanted);
        if (facts.gateway().isPresent()) {
            kernel.setGateway(device, facts.gateway().get(), wanted.prefix() == WHOLE);
        }
    }

    private String device() throws IOException {
        if (found == null) {
            found = find();
        }
        return found;
    }

    private String find() throws IOException {
        List<String> names = Files.readAllLines(devices).stream()
                .filter(line -> line.indexOf(':') > 0)
                .map(line -> line.substring(0, line.indexOf(':')).strip())
                .filter(name -> !name.equals("lo"))
                .toList();
        if (names.size() != 1) {
            throw new IOException("the machine has " + names.size() + " network interfaces, not one");
        }
        return names.getFirst();
    }
}
