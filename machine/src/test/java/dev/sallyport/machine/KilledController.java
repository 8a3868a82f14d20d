package dev.sallyport.machine;

import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * A program that starts a machine with a durable ledger and is killed on the way, as a controller may be at any instruction: its
 * process ends without a last word right after the given number of things has been written down, or, when there were not so many,
 * once the machine runs.
 */
final class KilledController {
    private KilledController() {}

    /** Arguments: the driver's supplier, things until the end, ledger's file, machine id, folder, kernel, initramfs, layer, its UUID. */
    public static void main(String[] arguments) throws ReflectiveOperationException, InterruptedException {
        var driver = (MachineDriver) Class.forName(arguments[0])
                .asSubclass(Supplier.class)
                .getDeclaredConstructor()
                .newInstance()
                .get();
        int until = Integer.parseInt(arguments[1]);
        var layer = new Layer("contract", "", UUID.fromString(arguments[8]), Path.of(arguments[7]), 0);
        var image = new Image(
                "00000000000000aa",
                "contract",
                Instant.EPOCH,
                Path.of(arguments[5]),
                Path.of(arguments[6]),
                List.of(layer),
                List.of());
        var spec = new MachineSpec(
                new MachineId(arguments[3]),
                VmType.CLI,
                image,
                256,
                1,
                64L << 20,
                Path.of(arguments[4]),
                Map.of(),
                new TestDoor("killed"));
        driver.start(spec, new FileLedger(Path.of(arguments[2]), until), (step, text, details) -> {});
        Runtime.getRuntime().halt(9);
    }

    private static final class FileLedger implements ResourceLedger {
        private final Path file;
        private final int until;
        private int written;

        FileLedger(Path file, int until) {
            this.file = file;
            this.until = until;
        }

        @Override
        public void intend(Resource resource) {
            write("+" + resource.driver() + "\t" + resource.kind() + "\t" + resource.name());
            written++;
            if (written == until) {
                Runtime.getRuntime().halt(9);
            }
        }

        @Override
        public void undone(Resource resource) {
            write("-" + resource.driver() + "\t" + resource.kind() + "\t" + resource.name());
        }

        private void write(String line) {
            try (FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
                channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
                channel.force(true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
