package dev.sallyport.bench.simulated;

import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Which simulated machine has which address of 127.64.0.0/12, all of which are this host's own. It lies in a file that the
 * controller's process and the agents' both map: who claims an address is known to the other at once, and for next to nothing.
 */
public final class MachineAddresses {
    /** As many machines as one run may ever make; addresses are not used again. */
    private static final int MOST = 1 << 20;
    /** A machine's id has 14 characters. */
    private static final int SLOT = 16;

    private static final int BASE = (127 << 24) | (64 << 16);

    private final MappedByteBuffer slots;
    private final AtomicInteger next = new AtomicInteger(1);

    private MachineAddresses(MappedByteBuffer slots) {
        this.slots = slots;
    }

    /** Maps {@code file}, which is made when it is not there; sparse. */
    public static MachineAddresses in(Path file) {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new MachineAddresses(channel.map(FileChannel.MapMode.READ_WRITE, 0, (long) MOST * SLOT));
        } catch (IOException e) {
            throw new UncheckedIOException("the addresses of simulated machines cannot be kept in " + file, e);
        }
    }

    /** Gives {@code machine} an address that none has had before. One process alone claims. */
    InetAddress claim(MachineId machine) {
        int slot = next.getAndIncrement();
        if (slot >= MOST) {
            throw new IllegalStateException("all " + MOST + " addresses of simulated machines were used");
        }
        put(slot, machine.value());
        int address = BASE + slot;
        try {
            return InetAddress.getByAddress(
                    new byte[] {(byte) (address >> 24), (byte) (address >> 16), (byte) (address >> 8), (byte) address});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    /** The machine at {@code address} is gone. */
    void release(InetAddress address) {
        put(slot(address), "");
    }

    /** The machine at {@code address}, if there is one. */
    Optional<MachineId> at(InetAddress address) {
        int slot = slot(address);
        if (slot < 1 || slot >= MOST) {
            return Optional.empty();
        }
        var id = new byte[SLOT];
        slots.get(slot * SLOT, id);
        // The last byte is written last: a slot that has none is not whole.
        int length = id[SLOT - 1];
        return length == 0
                ? Optional.empty()
                : Optional.of(new MachineId(new String(id, 0, length, StandardCharsets.US_ASCII)));
    }

    private void put(int slot, String id) {
        byte[] text = id.getBytes(StandardCharsets.US_ASCII);
        slots.put(slot * SLOT + SLOT - 1, (byte) 0);
        slots.put(slot * SLOT, text);
        slots.put(slot * SLOT + SLOT - 1, (byte) text.length);
    }

    private static int slot(InetAddress address) {
        byte[] bytes = address.getAddress();
        int value = 0;
        for (byte one : bytes) {
            value = (value << 8) | (one & 0xff);
        }
        return bytes.length == 4 ? value - BASE : -1;
    }
}
