package dev.sallyport.bench.machines;

import dev.sallyport.bench.HostDescription;
import dev.sallyport.bench.Measure;
import dev.sallyport.bench.compare.Bench;
import dev.sallyport.bench.compare.BenchContext;
import dev.sallyport.bench.compare.Comparison;
import dev.sallyport.bench.compare.Pairs;
import dev.sallyport.bench.compare.Samples;
import dev.sallyport.bench.compare.Section;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.Settings.Ahead;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.HealthProbe;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.ProcessMemory;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.qemu.QemuDriver;
import dev.sallyport.machine.qemu.QemuOptions;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** How fast machines are there, and what one more costs. */
public final class MachinesBench implements Bench {
    private static final String METHOD = """
            Real machines of the product's images, asked for over the API of a controller with its database. The floor is QEMU alone, with
            arguments written by hand and its network device made beforehand: what a template's restore or a boot takes to the agent's
            first answer when nothing else is done. Ours begins with the request and ends with its answer, which comes when the agent of
            the machine has told its new identity; so it holds the request's checks, the rows, and the identity itself.

            One hypervisor of each kind waits for such a start, as it does wherever nothing else is asked for: with its network device, its disks and
            the template's state, and standing still. What it does before the request, the floor does after it. It is waited for before each pair, so that the floor
            never has to share the host with the making of the next one. A start whose user finds none holds the network device with its rules, the disks and QEMU's own start too;
            what that takes is told below.

            For Chromium the floor goes on until Chromium has answered one question of the template's agent (`/health?chromium=ask`). Ours goes
            on until it has, and a whole picture of the screen, 3.7 MB without compression, has come through the relay; meanwhile the sign-in's
            tool starts on the machine's one processor.

            What bounds them, by a timeline of some starts of a CLI machine whose hypervisor has waited (135 ms): checks 7; rows, what was made written down, and its door 6; to where the
            guest goes on 1; the guest 110: 35 until it has read who it is, 30 until it is that, 30 until its agent's code has the question, 5 for the answer; rows and the answer 6. Where
            none has waited, the network takes 10 (its rules take nft 15 to 20, and are written while QEMU starts), and disks, pipes and QEMU to where the guest goes on take 40 (the floor's: 26). The same
            guest restored by hand, told who it is and asked, with nothing else going on on the host, answers 105 to 115 ms after it goes on. Whatever works beside it slows it by a fifth. Of a
            hypervisor's time 60 % goes into translating code that its guest runs for the first time (by perf): some 15,000 pieces of 7 µs a start, of which QEMU keeps none from one process to
            the next. 11,000 of them are the kernel's (by QEMU's own log): TCP 1,200, the change of the address 700, its neighbour 400, clocks and timers 700, scheduling 700, RCU 600. Tried without gain: half and
            twice as many bytes on the console, a faster line, QEMU without sandbox or with priority on the host, a kernel that is not loaded (QEMU takes 16 ms to be there with any), a
            processor without AVX or SMAP, fewer and later questions, a desktop that stands still until the machine is itself.
            The screen: its agent is wholly itself 0.25 s after the request, the first byte of the screen comes after 0.4, and a whole picture takes 0.25 s, which Chromium's answer and the start of the
            sign-in's tool share with it. The floor holds no picture.
            Twenty at once, and all that follows in the table, are of starts for which no hypervisor has waited: each of the twenty is like the one that they are compared with. A start costs 0.2 s of a processor in its hypervisor until its answer, 0.07 in the controller and its database, and what a machine does after
            its answer comes later than all of that; by that alone twenty take 2.7 s on two processors.
            """;

    @Override
    public String name() {
        return "machines";
    }

    @Override
    public List<Measure> run(BenchContext context) throws IOException, InterruptedException {
        List<String> host = HostDescription.lines();
        // Beside the caches: the database's system user reaches it there.
        var run = new Run(
                context,
                Files.createDirectories(context.options().folders().cache().resolve("bench")));
        try {
            run.templates();
            run.pool();
            run.boots();
            run.coldBoots();
            run.signIns();
        } finally {
            House.remove(run.folder);
        }
        context.section(new Section(name(), "Machines", METHOD + run.notes, run.measures, run.comparisons, host));
        return run.measures;
    }

    private static final class Run {
        private final BenchContext context;
        private final Path folder;
        private final List<Measure> measures = new ArrayList<>();
        private final List<Comparison> comparisons = new ArrayList<>();
        private final StringBuilder notes = new StringBuilder();
        private double floorOfCli;

        Run(BenchContext context, Path folder) {
            this.context = context;
            this.folder = folder;
        }

        private House open(Ahead ahead) throws IOException, InterruptedException {
            return House.open(context.options().folders(), folder.resolve("data"), ahead);
        }

        private void add(Comparison comparison, double most) {
            comparisons.add(comparison);
            measures.add(comparison.atMost(most));
            tell();
        }

        private void add(Measure measure) {
            measures.add(measure);
            tell();
        }

        private void tell() {
            Measure last = measures.getLast();
            context.progress((last.met() ? "met     " : "MISSED  ") + last.measure() + ": " + last.ours() + " "
                    + last.unit()
                    + (last.ratio() == null ? "" : " against " + last.reference() + ", ratio " + last.ratio()) + " ("
                    + last.goal() + ")");
        }

        /** So many starts come before the first that counts: neither program is measured while it is still being compiled. */
        private static final int WARM_UP = 20;

        void templates() throws IOException, InterruptedException {
            try (House house = open(House.HYPERVISORS)) {
                context.progress("templates are waited for ...");
                Path cli = house.template(VmType.CLI);
                Path browser = house.template(VmType.BROWSER);
                restores(house, cli, context.count(40, 5));
                browsers(house, browser, context.count(20, 5));
            }
            try (House house = open(House.TEMPLATES)) {
                house.template(VmType.CLI);
                together(house, context.count(20, 4));
                oneMore(house);
                inARow(house, context.count(500, 20));
            }
        }

        private void restores(House house, Path template, int pairs) throws IOException, InterruptedException {
            try (var floor = floor(house, VmType.CLI, template)) {
                for (int i = 0; i < context.count(WARM_UP, 1); i++) {
                    timed(house, house.user());
                    floor.restore(template);
                }
                var compared = new Comparison(
                        "a CLI machine from a template",
                        "ms",
                        "bare restore",
                        Pairs.take(
                                pairs,
                                () -> timed(house, house.user()),
                                () -> millis(floor.restore(template)),
                                done -> {}));
                add(compared, 1.25);
                floorOfCli = compared.pairs().reference().median();
                add(Measure.ratioAtMost(
                        "a CLI machine from a template, p99",
                        "ms",
                        compared.pairs().ours().p99(),
                        floorOfCli,
                        2));
            }
        }

        private static double timed(House house, String user) throws IOException, InterruptedException {
            long began = System.nanoTime();
            String machine = house.cli(user);
            double took = millis(Duration.ofNanos(System.nanoTime() - began));
            house.end(machine);
            house.awaitStandby(VmType.CLI);
            return took;
        }

        private void browsers(House house, Path template, int pairs) throws IOException, InterruptedException {
            try (var floor = floor(house, VmType.BROWSER, template);
                    var visits = new BrowserVisits(house)) {
                for (int i = 0; i < context.count(WARM_UP / 4, 1); i++) {
                    visits.one();
                    floor.restoreToChromium(template);
                }
                List<Double> chromium = new ArrayList<>();
                List<Double> chromiumOfFloor = new ArrayList<>();
                var compared = new Comparison(
                        "a browser machine from a template",
                        "ms",
                        "bare restore",
                        Pairs.take(
                                pairs,
                                () -> {
                                    BrowserVisits.Visit visit = visits.one();
                                    chromium.add(millis(visit.screen()));
                                    return millis(visit.agent());
                                },
                                () -> {
                                    chromiumOfFloor.add(millis(floor.restoreToChromium(template)));
                                    return millis(floor.restore(template));
                                },
                                done -> {}));
                add(compared, 1.25);
                add(Measure.ratioAtMost(
                        "a browser machine from a template, p99",
                        "ms",
                        compared.pairs().ours().p99(),
                        compared.pairs().reference().median(),
                        2));
                add(
                        new Comparison(
                                "a browser machine's screen relayed and Chromium answering",
                                "ms",
                                "bare restore to Chromium's answer",
                                new Pairs(new Samples(chromium), new Samples(chromiumOfFloor))),
                        1.25);
            }
        }

        private static final int ALONE = 15;

        /** As many at once as {@code count}, against one alone. */
        private void together(House house, int count) throws IOException, InterruptedException {
            List<Double> alone = new ArrayList<>();
            for (int i = 0; i < ALONE; i++) {
                alone.add(timed(house, house.user()));
            }
            double one = new Samples(alone).median();
            notes.append(
                    "\n\nA CLI machine from a template for which no hypervisor has waited: %.0f ms (median of %d), %.2f times the floor.\n"
                            .formatted(one, ALONE, one / floorOfCli));
            int failed = 0;
            long began = System.nanoTime();
            List<String> machines = new ArrayList<>();
            try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<String>> started = Stream.generate(house::user)
                        .limit(count)
                        .map(user -> callers.submit(() -> house.cli(user)))
                        .toList();
                for (Future<String> each : started) {
                    try {
                        machines.add(each.get());
                    } catch (ExecutionException e) {
                        failed++;
                        context.progress("one of " + count + " failed: " + e.getCause());
                    }
                }
            }
            double took = millis(Duration.ofNanos(System.nanoTime() - began));
            for (String machine : machines) {
                house.end(machine);
            }
            int cores = Runtime.getRuntime().availableProcessors();
            add(Measure.ratioAtMost(count + " CLI machines at once", "ms", took, count * one / cores, 1.2));
            add(Measure.atMost(count + " CLI machines at once, failed", "", failed, 0));
        }

        private void oneMore(House house) throws IOException, InterruptedException {
            String first = house.cli(house.user());
            String second = house.cli(house.user());
            TimeUnit.SECONDS.sleep(context.count(20, 5)); // Idle is what it is after a while.
            Path files = house.machines().resolve(second);
            long disk = 0;
            try (Stream<Path> all = Files.walk(files)) {
                for (Path file : all.filter(Files::isRegularFile).toList()) {
                    disk += 512L * blocks(file);
                }
            }
            add(Measure.atMost("disk of one more idle CLI machine", "MB", disk / 1e6, 10));
            long pss = ProcessMemory.of(processOf(second)).orElseThrow();
            long guest = (long) house.settings().shape(VmType.CLI).memoryMib() << 20;
            add(Measure.ratioAtMost("memory of one more idle CLI machine (PSS)", "MB", pss / 1e6, guest / 1e6, 0.25));
            house.end(first);
            house.end(second);
        }

        private static long blocks(Path file) throws IOException {
            Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
            return Long.parseLong(
                    new String(stat.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip());
        }

        private static ProcessHandle processOf(String machine) throws IOException {
            return ProcessHandle.allProcesses()
                    .filter(process -> {
                        try {
                            return Files.readString(Path.of("/proc/" + process.pid() + "/environ"))
                                    .contains("qemu-" + machine);
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .findFirst()
                    .orElseThrow(() -> new IOException("machine " + machine + " has no process"));
        }

        private void inARow(House house, int count) throws InterruptedException, IOException {
            int edge = Math.max(5, count / 10);
            List<Double> took = new ArrayList<>();
            int failed = 0;
            for (int i = 0; i < count; i++) {
                try {
                    took.add(timed(house, house.user()));
                } catch (RuntimeException e) {
                    failed++;
                    context.progress("start " + i + " failed: " + e);
                }
            }
            add(Measure.atMost(count + " starts in a row, failed", "", failed, 0));
            double first = new Samples(took.subList(0, edge)).median();
            double last = new Samples(took.subList(took.size() - edge, took.size())).median();
            add(Measure.ratioAtMost(
                    "the last " + edge + " of " + count + " starts, against the first", "ms", last, first, 1.1));
            try (Stream<Path> left = Files.list(house.machines())) {
                add(Measure.atMost(count + " starts in a row, folders left", "", (double) left.count(), 0));
            }
            add(Measure.atMost(
                    count + " starts in a row, hypervisors left",
                    "",
                    (double) ProcessHandle.current()
                            .children()
                            .filter(child -> child.info().command().orElse("").contains("qemu"))
                            .count(),
                    0));
        }

        void pool() throws IOException, InterruptedException {
            try (House house = open(new Ahead(true, 0, 2, 2, 0, Duration.ofSeconds(30)))) {
                house.template(VmType.CLI);
                int pairs = context.count(30, 5);
                var probe = new HttpHealthProbe();
                List<Double> claims = new ArrayList<>();
                List<Double> trips = new ArrayList<>();
                for (int i = 0; i < pairs; i++) {
                    house.awaitSpares(VmType.CLI, 2);
                    long began = System.nanoTime();
                    String machine = house.cli(house.user());
                    claims.add(millis(Duration.ofNanos(System.nanoTime() - began)));
                    InetSocketAddress agent = house.agent(machine);
                    began = System.nanoTime();
                    if (!(probe.ask(agent, Duration.ofSeconds(5)) instanceof HealthProbe.Answer.Healthy)) {
                        throw new IOException("a claimed machine's agent does not answer");
                    }
                    trips.add(millis(Duration.ofNanos(System.nanoTime() - began)));
                    house.end(machine);
                }
                var compared = new Comparison(
                        "a CLI machine from the pool",
                        "ms",
                        "one request to its agent",
                        new Pairs(new Samples(claims), new Samples(trips)));
                comparisons.add(compared);
                add(Measure.atMost(
                        "a CLI machine from the pool",
                        "ms",
                        compared.pairs().ours().median(),
                        50));
            }
        }

        void boots() throws IOException, InterruptedException {
            try (House house = open(Ahead.NOTHING)) {
                Path bare = Files.createDirectories(folder.resolve("bare"));
                try (var floor = new BareHypervisor(house.bare(VmType.CLI), bare, "tcg", "10.213.255.2")) {
                    house.end(house.cli(house.user()));
                    add(
                            new Comparison(
                                    "a CLI machine that boots",
                                    "ms",
                                    "bare boot",
                                    Pairs.take(
                                            context.count(6, 2),
                                            () -> timed(house, house.user()),
                                            () -> millis(floor.boot()),
                                            done -> {})),
                            1.1);
                }
            }
        }

        /** Each kind of machine boots without a controller; its console tells how far it is. */
        void coldBoots() throws IOException, InterruptedException {
            var driver = new QemuDriver(
                    QemuOptions.defaults(context.options().folders().cache()).with(QemuOptions.Network.TAP));
            Settings settings = Settings.defaults(context.options().folders());
            ImageStore images = ImageStore.open(context.options().folders().cache());
            for (VmType type : VmType.values()) {
                var boots = new ColdBoot();
                for (int i = 0; i < context.count(3, 1); i++) {
                    Instant began = Instant.now();
                    Machine machine = driver.start(
                            spec(type, images.current(type.wire()).orElseThrow(), settings.shape(type)),
                            ResourceLedger.NONE,
                            (step, text, details) -> {});
                    try {
                        boots.add(began, machine);
                    } finally {
                        machine.destroy();
                    }
                }
                notes.append("\n\nWhat a cold boot of a ")
                        .append(type.wire())
                        .append(" machine goes to (medians, in the order in which it happens):\n\n")
                        .append(String.join("\n", boots.table()));
                context.progress("cold boots of " + type.wire() + " machines are taken apart");
            }
        }

        /** The machines' part of a whole sign-in: until both are there. */
        void signIns() throws IOException, InterruptedException {
            var demo = new Demo(context.options().folders());
            demo.machines(true); // Makes the templates where there are none.
            add(
                    new Comparison(
                            "both machines of a whole sign-in",
                            "ms",
                            "without templates and pool",
                            Pairs.take(
                                    context.count(3, 1),
                                    () -> demo.machines(true),
                                    () -> demo.machines(false),
                                    _ -> {})),
                    0.2);
        }

        private MachineSpec spec(VmType type, Image image, Settings.Shape shape) throws IOException {
            MachineId id = MachineId.random();
            return new MachineSpec(
                    id,
                    type,
                    image,
                    shape.memoryMib(),
                    shape.cpus(),
                    shape.diskBytes(),
                    Files.createDirectories(folder.resolve(id.value())),
                    Map.of("token_sha256", "0".repeat(64), "hostname", type.wire()),
                    (address, port) -> new InetSocketAddress(address, port));
        }

        private BareHypervisor floor(House house, VmType type, Path template) throws IOException, InterruptedException {
            return new BareHypervisor(
                    house.bare(type),
                    Files.createDirectories(folder.resolve("bare-" + type.wire())),
                    "tcg",
                    BareHypervisor.addressIn(template));
        }
    }

    private static double millis(Duration duration) {
        return duration.toNanos() / 1e6;
    }
}
