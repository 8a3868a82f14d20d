package dev.sallyport.bench.machines;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.agentapi.Health;
import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.machine.Command;
import dev.sallyport.machine.FactsDisk;
import dev.sallyport.machine.HealthProbe;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.qemu.QmpClient;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The floor: QEMU alone with arguments written by hand, its network device made beforehand, without a controller, a database, a
 * ledger, rules, an identity. What it cannot do faster nobody can.
 */
final class BareHypervisor implements AutoCloseable {
    /**
     * What is started.
     *
     * @param type its kind
     * @param image its parts
     * @param memoryMib guest memory
     * @param translationMib QEMU's cache of translated code
     * @param diskBytes its writable disk
     */
    record Shape(VmType type, Image image, int memoryMib, int translationMib, long diskBytes) {}

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration COMMAND = Duration.ofSeconds(20);
    private static final Duration ONE_PROBE = Duration.ofSeconds(4);
    private static final String DEVICE = "sallybench0";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Shape shape;
    private final Path folder;
    private final String accelerator;
    private final String host;
    private final String guest;

    /**
     * Makes its network device.
     *
     * @param folder an empty folder of its own
     * @param accelerator {@code kvm} or {@code tcg}
     * @param guest the machine's address on a network of four
     */
    BareHypervisor(Shape shape, Path folder, String accelerator, String guest)
            throws IOException, InterruptedException {
        this.shape = shape;
        this.folder = folder;
        this.accelerator = accelerator;
        this.guest = guest;
        int last = guest.lastIndexOf('.') + 1;
        this.host = guest.substring(0, last) + (Integer.parseInt(guest.substring(last)) - 1);
        // What a run that was killed has left.
        Command.run(COMMAND, "", List.of("ip", "link", "delete", "dev", DEVICE));
        // The addresses that the template's network had.
        ip("tuntap add dev " + DEVICE + " mode tap\nlink set dev " + DEVICE + " address 02:53:00:00:00:01 up\naddr add "
                + host + "/30 dev " + DEVICE + "\nneigh replace " + guest + " lladdr 02:53:00:00:00:02 dev " + DEVICE
                + " nud permanent\n");
    }

    /** The address of the machine of which a template was made. */
    static String addressIn(Path template) throws IOException {
        JsonNode seal = JSON.readTree(Files.readAllBytes(template.resolve("seal.json")));
        return seal.path("network").path("address").asText().split("/", -1)[0];
    }

    /** From the process's start to the agent's first answer, when it goes on from {@code template}. */
    Duration restore(Path template) throws IOException, InterruptedException {
        return restore(template, () -> {});
    }

    /** From the process's start until Chromium has answered the agent's question, when it goes on from {@code template}. */
    Duration restoreToChromium(Path template) throws IOException, InterruptedException {
        return restore(template, () -> awaitChromium(agent(), ONE_PROBE));
    }

    /**
     * Waits until Chromium has answered its agent, by one question: each takes the machine's processor from what is waited for.
     *
     * @throws IOException when it does not answer
     */
    static void awaitChromium(InetSocketAddress agent, Duration atMost) throws IOException, InterruptedException {
        HealthProbe.Answer answer = HttpHealthProbe.withChromium().ask(agent, atMost);
        if (!(answer instanceof HealthProbe.Answer.Healthy(Health health))
                || !"ok".equals(health.parts().get("chromium"))) {
            throw new IOException("Chromium did not answer: " + answer.text());
        }
    }

    private InetSocketAddress agent() {
        return new InetSocketAddress(InetAddress.ofLiteral(guest), 8080);
    }

    private Duration restore(Path template, Until until) throws IOException, InterruptedException {
        Path overlay = folder.resolve("overlay.qcow2");
        Files.deleteIfExists(overlay);
        long began = System.nanoTime();
        Files.copy(template.resolve("overlay.qcow2"), overlay);
        List<String> arguments = common(
                List.of(
                        "-object",
                        "memory-backend-file,id=memory,share=off,size=" + shape.memoryMib() + "M,mem-path="
                                + template.resolve("memory")),
                ",memory-backend=memory",
                List.of(
                        "-blockdev",
                        "{\"driver\":\"qcow2\",\"node-name\":\"writable\",\"cache\":{\"no-flush\":true},\"file\":"
                                + "{\"driver\":\"file\",\"filename\":\"" + overlay
                                + "\"},\"backing\":{\"driver\":\"raw\","
                                + "\"read-only\":true,\"file\":{\"driver\":\"file\",\"locking\":\"off\",\"filename\":\""
                                + template.resolve("writable.ext4") + "\"}}}"));
        arguments.addAll(List.of("-incoming", "defer"));
        return measure(
                arguments,
                began,
                ProcessBuilder.Redirect.from(template.resolve("state").toFile()),
                this::goOn,
                until);
    }

    /** From the process's start to the agent's first answer, when it boots. */
    Duration boot() throws IOException, InterruptedException {
        Path disk = folder.resolve("writable.ext4");
        Command.Result made = Command.run(
                COMMAND,
                "",
                List.of(
                        "mke2fs",
                        "-q",
                        "-F",
                        "-t",
                        "ext4",
                        "-L",
                        "sallyport-rw",
                        "-O",
                        "^has_journal",
                        disk.toString(),
                        shape.diskBytes() / 1024 + "k"));
        if (!made.ok()) {
            throw new IOException("mke2fs: " + made.output());
        }
        long began = System.nanoTime();
        List<String> arguments =
                common(List.of(), "", List.of("-drive", "if=none,id=writable,format=raw,cache=unsafe,file=" + disk));
        return measure(
                arguments,
                began,
                ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()),
                qmp -> {},
                () -> {});
    }

    /** What is waited for once the agent has answered. */
    private interface Until {
        void run() throws IOException, InterruptedException;
    }

    private interface Then {
        void run(QmpClient qmp) throws IOException, InterruptedException;
    }

    private void goOn(QmpClient qmp) throws IOException, InterruptedException {
        qmp.execute(
                "migrate-set-capabilities",
                Map.of("capabilities", List.of(Map.of("capability", "x-ignore-shared", "state", true))),
                COMMAND);
        qmp.execute("migrate-incoming", Map.of("uri", "fd:0"), COMMAND);
        while (qmp.execute("query-status", Map.of(), COMMAND)
                .path("status")
                .asText()
                .equals("inmigrate")) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        qmp.execute("cont", Map.of(), COMMAND);
    }

    private Duration measure(List<String> arguments, long began, ProcessBuilder.Redirect input, Then then, Until until)
            throws IOException, InterruptedException {
        Path socket = folder.resolve("qmp");
        Files.deleteIfExists(socket);
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            arguments.addAll(List.of("-chardev", "socket,id=m,path=" + socket, "-mon", "chardev=m,mode=control"));
            Process process = new ProcessBuilder(arguments)
                    .redirectInput(input)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("output").toFile())
                    .start();
            var _ = process.onExit().thenRun(() -> closeQuietly(server));
            try (SocketChannel channel = server.accept();
                    QmpClient qmp = new QmpClient(channel, event -> {})) {
                qmp.negotiate(COMMAND);
                then.run(qmp);
                awaitAgent(process);
                until.run();
                return Duration.ofNanos(System.nanoTime() - began);
            } catch (IOException e) {
                throw new IOException("bare QEMU: " + Files.readString(folder.resolve("output")), e);
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }

    private static void closeQuietly(ServerSocketChannel server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Asks again and again, and does not wait for an answer before it asks anew. */
    private void awaitAgent(Process process) throws IOException, InterruptedException {
        var probe = new HttpHealthProbe();
        InetSocketAddress agent = agent();
        var answered = new CompletableFuture<HealthProbe.Answer>();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!answered.isDone()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("the agent did not answer");
            }
            Thread.ofVirtual().start(() -> {
                try {
                    if (probe.ask(agent, ONE_PROBE) instanceof HealthProbe.Answer.Healthy healthy) {
                        answered.complete(healthy);
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            answered.copy().completeOnTimeout(null, 10, TimeUnit.MILLISECONDS).join();
        }
    }

    private List<String> common(List<String> memory, String machine, List<String> disk) throws IOException {
        Path facts = folder.resolve("facts");
        FactsDisk.write(
                facts,
                Map.of(
                        "machine_id",
                        "m-aaaaaaaaaaaa",
                        "vm_type",
                        shape.type().wire(),
                        "hostname",
                        "bare",
                        "token_sha256",
                        "0".repeat(64),
                        "address",
                        guest + "/30",
                        "proxy",
                        host + ":3128",
                        "layers",
                        shape.image().layers().stream()
                                .map(layer -> layer.uuid().toString())
                                .collect(Collectors.joining(","))));
        var arguments = new ArrayList<>(
                List.of("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"));
        arguments.addAll(memory);
        arguments.addAll(List.of("-machine", "microvm,acpi=on,rtc=on,pic=off,pit=off" + machine));
        arguments.addAll(
                accelerator.equals("kvm")
                        ? List.of("-accel", "kvm", "-cpu", "host")
                        : List.of("-accel", "tcg,tb-size=" + shape.translationMib(), "-cpu", "max,erms=off"));
        arguments.addAll(List.of(
                "-m",
                shape.memoryMib() + "M",
                "-smp",
                "1",
                "-global",
                "virtio-mmio.force-legacy=false",
                "-kernel",
                shape.image().kernel().toString(),
                "-initrd",
                shape.image().initramfs().toString(),
                "-append",
                String.join(" ", shape.image().kernelArguments()) + " console=ttyS0 panic=-1 reboot=t cryptomgr.notests"
                        + tsc(),
                "-serial",
                "file:" + folder.resolve("console"),
                "-object",
                "rng-random,id=entropy,filename=/dev/urandom",
                "-device",
                "virtio-rng-device,rng=entropy",
                "-netdev",
                "tap,id=net,ifname=" + DEVICE + ",script=no,downscript=no,vhost=off",
                "-device",
                "virtio-net-device,netdev=net,mac=02:53:00:00:00:02",
                "-drive",
                "if=none,id=facts,format=raw,readonly=on,file=" + facts,
                "-device",
                "virtio-blk-device,drive=facts"));
        arguments.addAll(disk);
        arguments.addAll(List.of("-device", "virtio-blk-device,drive=writable"));
        int number = 0;
        for (Layer layer : shape.image().layers()) {
            String id = "layer" + number++;
            arguments.addAll(List.of(
                    "-blockdev",
                    "{\"driver\":\"raw\",\"node-name\":\"" + id + "\",\"read-only\":true,\"file\":{\"driver\":\"file\","
                            + "\"locking\":\"off\",\"filename\":\""
                            + layer.file().toAbsolutePath() + "\"}}",
                    "-device",
                    "virtio-blk-device,drive=" + id));
        }
        return arguments;
    }

    /** Without it emulated boots of this board hang. */
    private String tsc() throws IOException {
        return accelerator.equals("kvm")
                ? ""
                : Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                        .filter(line -> line.startsWith("cpu MHz"))
                        .findFirst()
                        .map(line -> " tsc=reliable tsc_early_khz="
                                + Math.round(Double.parseDouble(line.substring(line.indexOf(':') + 1)) * 1000))
                        .orElse("");
    }

    private static void ip(String batch) throws IOException, InterruptedException {
        Command.Result result = Command.run(COMMAND, batch, List.of("ip", "-batch", "-"));
        if (!result.ok()) {
            throw new IOException("ip: " + result.output());
        }
    }

    @Override
    public void close() throws IOException {
        try {
            ip("link delete dev " + DEVICE + "\n");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
