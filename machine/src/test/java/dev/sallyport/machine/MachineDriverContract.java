package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.agentapi.Health;
import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every driver must do, tried on real guests. A driver's own test extends it. */
@Tag("machines")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
public abstract class MachineDriverContract extends AdoptionContract {
    // ---- what a machine is

    @Test
    void aMachineStartsAndItsAgentIsReached() throws Exception {
        MachineDriver driver = driver();
        MachineSpec spec = spec(Map.of("flavour", "a b=c"));
        var ledger = new RecordingLedger(resource -> assertThat(exists(resource))
                .as("%s is made before it is written down", resource)
                .isFalse());

        Machine machine = start(driver, spec, ledger);
        Health health = readiness(machine);

        assertThat(health.machineId()).isEqualTo(spec.id().value());
        assertThat(machine.exit()).isEmpty();
        assertThat(steps).contains("image", "network", "disk", "hypervisor");
        assertThat(everythingIn(spec))
                .isSubsetOf(Stream.concat(
                                Stream.of(spec.directory().resolve("console.log")),
                                ledger.all().stream()
                                        .filter(each -> each.kind().equals("file"))
                                        .map(each -> Path.of(each.name())))
                        .toList());
        assertThat(ledger.toUndo()).extracting(Resource::driver).containsOnly(driver.name());
        assertThat(machine.console().awaitLine(line -> line.contains(ContractGuest.UP), END))
                .isPresent();
        assertThat(machine.console().lastLines(1000)).anyMatch(line -> line.contains(ContractGuest.UP));
        assertThat(machine.console().bytes()).isPositive();
        assertThat(Files.readString(machine.console().file(), StandardCharsets.ISO_8859_1))
                .contains(ContractGuest.UP);

        String facts = ContractGuest.run(machine, "cat /run/sallyport/facts");
        assertThat(facts.lines())
                .contains("machine_id=" + spec.id(), "vm_type=cli", "flavour=a b=c")
                .anyMatch(line -> line.startsWith("proxy="))
                .anyMatch(line ->
                        line.equals("layers=" + image().layers().getFirst().uuid()))
                .noneMatch(line -> line.startsWith("SALLYPORT") || line.equals("END"));
        String sizes = ContractGuest.run(
                machine,
                "nproc; sed -n 's/^MemTotal: *//p' /proc/meminfo; df -k / | tail -n 1 | awk '{print $2}'; ip route");
        List<String> lines = sizes.lines().toList();
        assertThat(lines.getFirst()).isEqualTo("1");
        assertThat(Integer.parseInt(lines.get(1).replace(" kB", ""))).isBetween(180_000, 256 * 1024);
        assertThat(Integer.parseInt(lines.get(2).strip())).isBetween(50_000, 64 * 1024);
        assertThat(lines.subList(3, lines.size())).noneMatch(line -> line.startsWith("default"));
        assertThat(ContractGuest.run(machine, "dd if=/dev/urandom of=/tmp/x bs=1M count=8 2>&1; sync; wc -c </tmp/x"))
                .contains("8388608");
        assertThat(echo(machine.streams(), "over the stream port\n")).isEqualTo("over the stream port\n");
    }

    @Test
    void twoVirtualProcessorsAreTwo() throws Exception {
        MachineSpec spec = spec(Map.of());
        spec = new MachineSpec(
                spec.id(),
                VmType.BROWSER,
                image(),
                320,
                2,
                spec.diskBytes(),
                spec.directory(),
                Map.of(),
                spec.egress());
        Machine machine = ready(spec);

        assertThat(ContractGuest.run(machine, "nproc").strip()).isEqualTo("2");
        assertThat(ContractGuest.run(machine, "cat /run/sallyport/facts")).contains("vm_type=browser");
    }

    @Test
    void theProductsOwnImageComesUp() throws Exception {
        Optional<Image> product = ContractGuest.product();
        Assumptions.assumeTrue(product.isPresent(), "there is no 'cli' image here; './sallyport image build' makes it");
        Image image = product.get();
        MachineSpec small = spec(Map.of());
        var spec = new MachineSpec(
                small.id(),
                VmType.CLI,
                image,
                512,
                1,
                1L << 30,
                small.directory(),
                Map.of("token_sha256", "0".repeat(64)),
                small.egress());
        long began = System.nanoTime();
        Machine machine = start(driver(), spec, new RecordingLedger(resource -> {}));
        Health health = readiness(machine);

        assertThat(health.machineId()).isEqualTo(spec.id().value());
        System.out.println("the product's cli image: agent ready after "
                + Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms");
    }

    // ---- what a machine can reach

    @Test
    void aMachineReachesItsGatewayAlone() throws Exception {
        MachineSpec spec = spec(Map.of());
        Machine machine = ready(spec);
        String proxy = ContractGuest.run(machine, "sed -n s/^proxy=//p /run/sallyport/facts")
                .strip();
        String gatewayHost = proxy.substring(0, proxy.indexOf(':'));
        int gatewayPort = Integer.parseInt(proxy.substring(proxy.indexOf(':') + 1));

        try (var tcp = new ServerSocket(0);
                var udp = new DatagramSocket(new InetSocketAddress(0))) {
            var accepted = new AtomicInteger();
            Thread.ofVirtual().start(() -> count(tcp, accepted));
            var targets = new LinkedHashSet<String>();
            for (String host : hosts(gatewayHost)) {
                for (int port :
                        new int[] {tcp.getLocalPort(), 22, 53, machine.agent().getPort(), gatewayPort + 1}) {
                    targets.add(host + " " + port);
                }
                if (!host.equals(gatewayHost)) {
                    targets.add(host + " " + gatewayPort);
                }
            }
            targets.addAll(List.of("1.1.1.1 443", "1.1.1.1 53", "8.8.8.8 53", "192.0.2.1 80", "169.254.169.254 80"));
            // The machine's own loopback is its own affair.
            targets.removeIf(target -> target.startsWith("127."));
            String gatewayOfAll = gatewayHost.equals("10.0.2.100") ? "10.0.2.2" : gatewayHost;
            var script = new StringBuilder("ip route add default via " + gatewayOfAll + "\n");
            script.append("try() { nc -w 3 $1 $2 </dev/null >/dev/null 2>&1 && echo OPEN $1 $2; }\n");
            targets.forEach(target -> script.append("try ").append(target).append(" &\n"));
            hosts(gatewayHost)
                    .forEach(host -> script.append("(echo leak | nc -u -w 1 ")
                            .append(host + " " + udp.getLocalPort())
                            .append(") >/dev/null 2>&1 &\n"));
            // Ports that the host may talk to are no way out either.
            script.append("wait\nkillall nc 2>/dev/null\n");
            script.append("nc -w 3 -p 8081 " + gatewayOfAll + " " + tcp.getLocalPort()
                    + " </dev/null 2>/dev/null && echo OPEN from 8081\n");
            script.append("nslookup example.com " + gatewayOfAll + " >/dev/null 2>&1 && echo NAMES\n");
            script.append("nslookup example.com 8.8.8.8 >/dev/null 2>&1 && echo NAMES\n");
            script.append("ping -c 1 -W 2 1.1.1.1 >/dev/null 2>&1 && echo PING\n");
            script.append("echo hello | nc -w 10 " + gatewayHost + " " + gatewayPort + "\necho done\n");

            String said = ContractGuest.run(machine, script.toString());

            assertThat(said.lines()).as("said %s", said).containsExactly("door one", "done");
            assertThat(accepted).hasValue(0);
            udp.setSoTimeout(200);
            assertThatThrownBy(() -> udp.receive(new DatagramPacket(new byte[100], 100)))
                    .isInstanceOf(SocketTimeoutException.class);
            // The listeners were there to be reached.
            new Socket(InetAddress.getLoopbackAddress(), tcp.getLocalPort()).close();
            udp.send(new DatagramPacket(
                    new byte[] {1}, 1, new InetSocketAddress(InetAddress.getLoopbackAddress(), udp.getLocalPort())));
            udp.receive(new DatagramPacket(new byte[100], 100));
        }
    }

    @Test
    void theGatewayTakesManyConnectionsAtOnce() throws Exception {
        Machine machine = ready(spec(Map.of()));
        String said = ContractGuest.run(machine, """
                proxy=$(sed -n s/^proxy=//p /run/sallyport/facts)
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
                  echo $i | nc -w 20 ${proxy%:*} ${proxy#*:} &
                done
                wait
                """);

        assertThat(said.lines()).hasSize(16).containsOnly("door one");
        assertThat(doors.getFirst().mostTogether()).isGreaterThan(6);
    }

    @Test
    void twoMachinesAtOnceAreIsolatedFromEachOther() throws Exception {
        MachineSpec first = spec(Map.of());
        MachineSpec second = spec(Map.of());
        Machine one = start(driver(), first, new RecordingLedger(resource -> {}));
        Machine two = start(driver(), second, new RecordingLedger(resource -> {}));
        assertThat(readiness(one).machineId()).isEqualTo(first.id().value());
        assertThat(readiness(two).machineId()).isEqualTo(second.id().value());

        String addressOfTwo = ContractGuest.run(two, "sed -n 's/^address=//p' /run/sallyport/facts")
                .strip()
                .replaceAll("/.*", "");
        String doorOfTwo = ContractGuest.run(two, "sed -n 's/^proxy=//p' /run/sallyport/facts")
                .strip();
        String doorOfOne = ContractGuest.run(one, "sed -n 's/^proxy=//p' /run/sallyport/facts")
                .strip();
        String way = doorOfOne.startsWith("10.0.2.100:") ? "10.0.2.2" : doorOfOne.replaceAll(":.*", "");
        var targets = new LinkedHashSet<String>();
        targets.add(way + " " + two.agent().getPort());
        targets.add(way + " " + two.streams().getPort());
        String ownAddress = ContractGuest.run(one, "sed -n 's/^address=//p' /run/sallyport/facts")
                .strip()
                .replaceAll("/.*", "");
        if (!addressOfTwo.equals(ownAddress)) {
            targets.add(addressOfTwo + " 8080");
            targets.add(addressOfTwo + " 8081");
        }
        if (!doorOfTwo.equals(doorOfOne)) {
            targets.add(doorOfTwo.replace(':', ' '));
        }
        var script = new StringBuilder("ip route add default via " + way + "\n");
        targets.forEach(target ->
                script.append("(nc -w 3 " + target + " </dev/null >/dev/null 2>&1 && echo OPEN " + target + ") &\n"));
        script.append("wait\necho hello | nc -w 10 " + doorOfOne.replace(':', ' ') + "\n");

        assertThat(ContractGuest.run(one, script.toString()).lines()).containsExactly("door one");

        assertThat(one.destroy()).isEmpty();
        assertThat(ContractGuest.run(two, "echo hello | nc -w 10 " + doorOfTwo.replace(':', ' ') + "\n")
                        .lines())
                .as("the end of one machine is nothing to the other")
                .containsExactly("door two");
    }

    // ---- how a machine ends

    @Test
    void destroyLeavesNothingAndTwiceIsHarmless() throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine machine = start(driver(), spec, ledger);
        readiness(machine);
        assertThat(left(spec)).isNotEmpty();

        assertThat(machine.destroy()).isEmpty();

        assertThat(left(spec)).isEmpty();
        assertThat(ledger.toUndo()).isEmpty();
        assertThat(everythingIn(spec)).containsExactly(spec.directory().resolve("console.log"));
        assertThat(machine.awaitExit(END).orElseThrow().kind()).isEqualTo(MachineExit.Kind.DESTROYED);
        assertThat(machine.console().lastLines(1000)).anyMatch(line -> line.contains(ContractGuest.UP));
        assertThat(machine.destroy()).isEmpty();
        ledger.all()
                .reversed()
                .forEach(resource -> assertThat(driver().undo(resource)).isEmpty());
    }

    @Test
    void aMachineCanBeDestroyedWhileTheCallerIsInterrupted() throws Exception {
        MachineSpec spec = spec(Map.of());
        Machine machine = start(driver(), spec, new RecordingLedger(resource -> {}));

        Thread.currentThread().interrupt();
        List<String> errors = machine.destroy();

        assertThat(Thread.interrupted()).isTrue();
        assertThat(errors).isEmpty();
        assertThat(left(spec)).isEmpty();
    }

    @Test
    void aGuestThatPowersItselfOffIsToldFromOtherEnds() throws Exception {
        Machine machine = ready(spec(Map.of()));
        ContractGuest.run(machine, "(sleep 0.3; poweroff -f) >/dev/null 2>&1 </dev/null &");

        MachineExit exit = machine.awaitExit(END).orElseThrow();

        assertThat(exit.kind()).as(exit.toString()).isEqualTo(MachineExit.Kind.GUEST_SHUTDOWN);
        assertThat(machine.exit()).contains(exit);
    }

    @Test
    void aGuestThatPanicsIsToldFromOtherEnds() throws Exception {
        Machine machine = ready(spec(Map.of()));
        ContractGuest.run(machine, "(sleep 0.3; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &");

        MachineExit exit = machine.awaitExit(END).orElseThrow();

        assertThat(exit.kind()).as(exit.toString()).isEqualTo(MachineExit.Kind.GUEST_PANIC);
        assertThat(exit.evidence()).anyMatch(line -> line.contains("Kernel panic"));
    }

    @Test
    void aHypervisorThatIsKilledIsToldFromOtherEnds() throws Exception {
        MachineSpec spec = spec(Map.of());
        Machine machine = ready(spec);
        killHypervisor(spec);

        MachineExit exit = machine.awaitExit(END).orElseThrow();

        assertThat(exit.kind()).as(exit.toString()).isEqualTo(MachineExit.Kind.HYPERVISOR_FAILED);
        assertThat(exit.evidence()).isNotEmpty();
    }

    @Test
    void aControllerThatIsKilledAnywhereLeavesWhatItsLedgerUndoes() throws Exception {
        int things = 0;
        boolean ran = false;
        for (int until = 1; !ran; until++) {
            MachineSpec spec = spec(Map.of());
            Path journal = folder.resolve("journal-" + spec.id());
            Path output = folder.resolve("output-" + spec.id());
            Process controller = new ProcessBuilder(
                            KilledController.command(drivers().getName(), until, journal, spec, classPath()))
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            assertThat(controller.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(controller.exitValue())
                    .as(Files.readString(output))
                    .isIn(KilledController.KILLED, KilledController.RAN);
            ran = controller.exitValue() == KilledController.RAN;

            // The first points come before anything is made.
            List<Resource> journalled = Files.exists(journal) ? KilledController.intended(journal) : List.of();
            things = journalled.size();
            if (ran) {
                assertThat(leftOn(spec))
                        .as("the machine outlives its controller")
                        .isNotEmpty();
            }
            MachineDriver next = driver();
            journalled
                    .reversed()
                    .forEach(resource -> assertThat(next.undo(resource)).isEmpty());
            assertThat(left(spec))
                    .as("killed at point %d: %s", until, journalled)
                    .isEmpty();
        }
        assertThat(things).isGreaterThan(3);
    }

    // ---- what a guest may try

    @Test
    void aConsoleThatIsFloodedStaysBounded() throws Exception {
        Machine machine = ready(spec(Map.of()));
        long before = machine.console().bytes();
        ContractGuest.run(machine, """
                (printf '\\033]0;title\\007\\033[2J\\033[31mred\\033[0m \\342\\200\\256turned\\n'
                 head -c 400000 /dev/urandom
                 head -c 1500000 /dev/zero | tr '\\0' 'x'
                 printf '\\nafter the flood\\n') >/dev/console 2>/dev/null </dev/null &
                """);

        assertThat(machine.console().awaitLine(line -> line.contains("after the flood"), Duration.ofSeconds(90)))
                .isPresent();

        assertThat(machine.console().bytes() - before).isGreaterThan(1_800_000);
        assertThat(Files.size(machine.console().file()))
                .isLessThan(SpooledConsole.HEAD_BYTES + 2L * SpooledConsole.TAIL_BYTES + 64 * 1024);
        String kept = Files.readString(machine.console().file(), StandardCharsets.ISO_8859_1);
        assertThat(kept).contains(ContractGuest.UP, "bytes left out here", "after the flood");
        assertThat(machine.console().lastLines(10_000))
                .allMatch(line -> line.length() <= ConsoleLines.MAX_LINE)
                .allMatch(line -> line.codePoints().noneMatch(c -> Character.isISOControl(c) || c == 0x202e));
        assertThat(readiness(machine).status()).isEqualTo("ok");
    }

    // ---- how a start fails

    @Test
    void aStartThatIsInterruptedAnywhereLeavesNothing() throws Exception {
        int things = 0;
        boolean ran = false;
        for (int at = 1; !ran; at++) {
            MachineSpec spec = spec(Map.of());
            var count = new AtomicInteger();
            int last = at;
            var ledger = new RecordingLedger(resource -> {
                if (count.incrementAndGet() == last) {
                    Thread.currentThread().interrupt();
                }
            });
            try {
                machines.add(driver().start(spec, ledger, (step, text, details) -> {}));
                assertThat(Thread.interrupted())
                        .as("an interrupt after %d things was lost", at)
                        .isFalse();
                ran = true;
            } catch (InterruptedException e) {
                things++;
                assertThat(ledger.toUndo()).isEmpty();
                assertThat(left(spec)).isEmpty();
            }
        }
        assertThat(things).isGreaterThan(3);
    }

    @Test
    void startsThatFailNameTheirCauseAndLeaveNothing() throws Exception {
        Image good = image();
        Path gone = folder.resolve("gone");
        Layer layer = good.layers().getFirst();
        Layer missing = new Layer(layer.name(), layer.digest(), layer.uuid(), gone, layer.bytes());

        fails(withImage(spec(Map.of()), parts(gone, good.initramfs(), good.layers())), CauseCode.IMAGE_MISSING, "gone");
        fails(withImage(spec(Map.of()), parts(good.kernel(), gone, good.layers())), CauseCode.IMAGE_MISSING, "gone");
        fails(
                withImage(spec(Map.of()), parts(good.kernel(), good.initramfs(), List.of(missing))),
                CauseCode.LAYER_MISSING,
                "gone");
        MachineSpec spec = spec(Map.of());
        fails(
                withEgress(spec, (address, port) -> {
                    throw new BindException("Address already in use");
                }),
                CauseCode.PORT_TAKEN,
                "already in use");
        fails(withSizes(spec(Map.of()), 1, 1, 64L << 20), CauseCode.BAD_REQUEST, "memory");
        fails(withSizes(spec(Map.of()), 256, 0, 64L << 20), CauseCode.BAD_REQUEST, "processors");
        fails(withSizes(spec(Map.of()), 256, 1, 12345), CauseCode.BAD_REQUEST, "disk");
        fails(spec(Map.of("Bad Key", "x")), CauseCode.BAD_REQUEST, "key");
        fails(spec(Map.of("flavour", "a\nmachine_id=other")), CauseCode.BAD_REQUEST, "flavour");
    }

    @Test
    void anImageWithoutItsLayerIsNamedByTheMachineItself() throws Exception {
        Image good = image();
        Layer layer = good.layers().getFirst();
        Layer other = new Layer(layer.name(), layer.digest(), UUID.randomUUID(), layer.file(), layer.bytes());
        MachineSpec spec = withImage(spec(Map.of()), parts(good.kernel(), good.initramfs(), List.of(other)));
        Machine machine = start(driver(), spec, new RecordingLedger(resource -> {}));

        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> Readiness.await(machine, new HttpHealthProbe(), BOOT));

        assertThat(failure.reason().code()).isEqualTo(CauseCode.LAYER_MISSING);
        assertThat(failure.reason().evidence())
                .anyMatch(line -> line.contains(other.uuid().toString()));
        assertThat(machine.awaitExit(END).orElseThrow().kind()).isEqualTo(MachineExit.Kind.GUEST_SHUTDOWN);
    }

    @Test
    void aSilentAgentIsToldWithWhatWasSeenLast() throws Exception {
        FailureException deaf = unready("deaf");
        assertThat(deaf.reason().code()).isEqualTo(CauseCode.AGENT_SILENT);
        assertThat(deaf.reason().evidence().getFirst()).startsWith("seen last: ");
        assertThat(deaf.reason().evidence()).anyMatch(line -> line.contains(ContractGuest.UP));

        FailureException mute = unready("mute");
        assertThat(mute.reason().code()).isEqualTo(CauseCode.AGENT_SILENT);
        assertThat(mute.reason().detail()).contains("accepted connections and said nothing");

        FailureException other = unready("other");
        assertThat(other.reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        assertThat(other.reason().evidence()).anyMatch(line -> line.contains("m-aaaaaaaaaaaa"));
    }

    // ---- helpers

    private static Image parts(Path kernel, Path initramfs, List<Layer> layers) {
        Image good = image();
        return new Image(good.id(), good.recipe(), good.created(), kernel, initramfs, layers, good.kernelArguments());
    }

    private static MachineSpec withImage(MachineSpec spec, Image image) {
        return new MachineSpec(
                spec.id(),
                spec.type(),
                image,
                spec.memoryMib(),
                spec.cpus(),
                spec.diskBytes(),
                spec.directory(),
                spec.facts(),
                spec.egress());
    }

    private static MachineSpec withSizes(MachineSpec spec, int memoryMib, int cpus, long diskBytes) {
        return new MachineSpec(
                spec.id(),
                spec.type(),
                spec.image(),
                memoryMib,
                cpus,
                diskBytes,
                spec.directory(),
                spec.facts(),
                spec.egress());
    }

    private FailureException unready(String mode) throws Exception {
        Machine machine = start(driver(), spec(Map.of("mode", mode)), new RecordingLedger(resource -> {}));
        assertThat(machine.console().awaitLine(line -> line.contains(ContractGuest.UP), BOOT))
                .isPresent();
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> Readiness.await(machine, new HttpHealthProbe(), Duration.ofSeconds(6)));
        assertThat(machine.destroy()).isEmpty();
        return failure;
    }

    private void fails(MachineSpec spec, CauseCode code, String word) throws IOException {
        var ledger = new RecordingLedger(resource -> {});
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> driver().start(spec, ledger, (step, text, details) -> {}));
        assertThat(failure).as("a start that must fail with %s", code).isNotNull();
        assertThat(failure.reason().code()).as(failure.getMessage()).isEqualTo(code);
        assertThat(failure.getMessage() + failure.reason().evidence()).contains(word);
        assertThat(failure.getSuppressed()).isEmpty();
        assertThat(ledger.toUndo()).isEmpty();
        assertThat(left(spec)).isEmpty();
    }

    /** Addresses by which a machine might try to reach its host. */
    private static Set<String> hosts(String gateway) throws IOException {
        var hosts = new LinkedHashSet<String>(List.of(gateway, "10.0.2.2", "10.0.2.3"));
        NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                .forEach(address -> hosts.add(address.getHostAddress()));
        return hosts;
    }

    private static void count(ServerSocket socket, AtomicInteger accepted) {
        while (!socket.isClosed()) {
            try (Socket connection = socket.accept()) {
                if (!connection.getInetAddress().isLoopbackAddress()) {
                    accepted.incrementAndGet();
                }
            } catch (IOException e) {
                return; // Closed.
            }
        }
    }

    private static String echo(InetSocketAddress address, String text) throws IOException {
        try (var socket = new Socket()) {
            socket.connect(address, 10_000);
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readNBytes(text.length()), StandardCharsets.US_ASCII);
        }
    }
}
