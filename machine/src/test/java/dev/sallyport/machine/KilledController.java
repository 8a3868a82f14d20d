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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A program that starts a machine with a durable ledger and is killed on the way, as a controller may be at any instruction: its
 * process ends without a last word at a point, or, when there were not so many, once the machine runs. A point is each moment at
 * which things have been written down, and each step that is told. With {@link #NEVER} it says the machine's handle and waits to be killed.
 */
final class KilledController {
    /** How it ended: at its point, or with a machine that runs. */
    static final int KILLED = 9;

    static final int RAN = 10;

    /** It does not end by itself. */
    static final int NEVER = 0;

    private KilledController() {}

    /** How it is run. */
    static List<String> command(String drivers, int until, Path journal, MachineSpec spec, String classPath) {
        Layer layer = spec.image().layers().getFirst();
        return List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                KilledController.class.getName(),
                drivers,
                Integer.toString(until),
                journal.toString(),
                spec.id().value(),
                spec.directory().toString(),
                spec.image().kernel().toString(),
                spec.image().initramfs().toString(),
                layer.file().toString(),
                layer.uuid().toString());
    }

    /** Everything in a ledger's file, the oldest first. */
    static List<Resource> intended(Path journal) throws IOException {
        return lines(journal, "+");
    }

    /** What a ledger's file holds as not undone, the oldest first. */
    static List<Resource> notUndone(Path journal) throws IOException {
        var open = new ArrayList<>(intended(journal));
        lines(journal, "-").forEach(open::remove);
        return open;
    }

    private static List<Resource> lines(Path journal, String sign) throws IOException {
        return Files.readAllLines(journal).stream()
                .filter(line -> line.startsWith(sign))
                .map(line -> line.substring(1).split("\t", -1))
                .map(parts -> new Resource(parts[0], parts[1], parts[2]))
                .toList();
    }

    /** Arguments: the driver's supplier, points until the end, ledger's file, machine id, folder, kernel, initramfs, layer, its UUID. */
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
        var ledger = new FileLedger(Path.of(arguments[2]), until);
        Machine machine = driver.start(spec, ledger, (step, text, details) -> ledger.reached());
        if (until == NEVER) {
            System.out.println(machine.handle());
            new CountDownLatch(1).await();
        }
        Runtime.getRuntime().halt(RAN);
    }

    private static final class FileLedger implements ResourceLedger {
        private final Path file;
        private final int until;
        private int points;

        FileLedger(Path file, int until) {
            this.file = file;
            this.until = until;
        }

        @Override
        public void intend(List<Resource> resources) {
            write(resources.stream().map(resource -> line("+", resource)).collect(Collectors.joining()));
            reached();
        }

        /** One point further; at the last the process ends. */
        void reached() {
            points++;
            if (points == until) {
                Runtime.getRuntime().halt(KILLED);
            }
        }

        @Override
        public void undone(List<Resource> resources) {
            write(resources.stream().map(resource -> line("-", resource)).collect(Collectors.joining()));
        }

        private static String line(String sign, Resource resource) {
            return sign + resource.driver() + "\t" + resource.kind() + "\t" + resource.name() + "\n";
        }

        private void write(String lines) {
            try (FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
                channel.write(ByteBuffer.wrap(lines.getBytes(StandardCharsets.UTF_8)));
                channel.force(true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
