package dev.sallyport.agent.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.agent.Agent;
import dev.sallyport.agent.Bench;
import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Ipv4;
import dev.sallyport.agent.linux.Kernel;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.Health;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole agent that begins as a template's, with a FIFO as its console, files as its machine, and a kernel that only listens. */
@Timeout(30)
class AdoptionTest {
    private static final Secret TEMPLATES = Secret.of("what nobody knows");
    private static final String SEED = "5eed".repeat(16);
    private static final Secret CLONES = Secret.of("what the host knows");

    /** Nothing listens there, so that an egress check would say so. */
    private static final String PROXY = "127.0.0.1:9";

    @TempDir
    Path folder;

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final Kernel kernel = new ListeningKernel();
    private Path root;
    private Path console;
    private Agent agent;
    private AgentClient templates;
    private volatile AgentClient clones;
    private volatile boolean noRandomNumbers;
    private volatile CompletableFuture<Void> clockMayBeSet = CompletableFuture.completedFuture(null);

    private final class ListeningKernel implements Kernel {
        private void note(String text) {
            asked.add(text);
        }

        @Override
        public void setClock(Instant now) {
            clockMayBeSet.join();
            note("clock " + now.truncatedTo(java.time.temporal.ChronoUnit.MINUTES));
        }

        @Override
        public void reseed(byte[] entropy) throws IOException {
            if (noRandomNumbers) {
                throw new IOException("the kernel takes none");
            }
            note("reseed " + entropy.length);
        }

        @Override
        public void setHostName(String name) {
            note("name " + name);
        }

        @Override
        public void softInterruptsFirst() {
            throw new IllegalStateException("this agent is no machine's");
        }

        @Override
        public void goFirst() {
            // Who may ask for that is root in a machine; a clone's threads are looked at in one.
        }

        @Override
        public void bind(Path source, Path target) throws IOException {
            note("bind " + root.relativize(target) + " "
                    + Files.readString(source).strip().length());
        }

        @Override
        public void setAddress(String device, Ipv4.Net address) {
            note("address " + device + " " + address.address() + "/" + address.prefix());
        }

        @Override
        public void setGateway(String device, Ipv4 gateway, boolean direct) {
            note("gateway " + device + " " + gateway + " " + direct);
        }
    }

    @BeforeEach
    void start() throws Exception {
        root = folder.resolve("root");
        for (String each : List.of("etc", "dev", "proc/net", "proc/sys/kernel/random")) {
            Files.createDirectories(root.resolve(each));
        }
        Files.writeString(root.resolve("proc/net/dev"), "Inter-|\n face |bytes\n    lo: 0 0\n  eth0: 0 0\n");
        console = folder.resolve("console");
        new Processes().makeFifo(console, 0600);
        Files.createDirectories(folder.resolve("home/workspace"));
        Files.writeString(root.resolve("proc/sys/kernel/random/boot_id"), "the kernel's\n");
        Files.writeString(
                folder.resolve("facts"),
                "hostname=template\nlayers=l1\nmachine_id=t-1\nproxy=" + PROXY + "\ntemplate=1\ntoken_sha256="
                        + TEMPLATES.sha256() + "\nvm_type=cli\n");
        Path tool = Files.createDirectories(folder.resolve("tools/t/bin")).resolve("t");
        Files.writeString(tool, "#!/bin/sh\necho \"$1 $HOME\" >" + folder.resolve("asked") + "\n");
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
        Settings settings = Bench.settings(
                folder,
                Map.of(
                        "facts", folder.resolve("facts").toString(),
                        "console", console.toString()));
        agent = Agent.on(kernel, settings, Facts.read(settings.facts()), new Log(out()));
        templates = new AgentClient(agent.httpAddress(), agent.streamAddress(), TEMPLATES);
        clones = new AgentClient(agent.httpAddress(), agent.streamAddress(), CLONES);
    }

    @AfterEach
    void stop() throws IOException {
        templates.close();
        clones.close();
        agent.close();
    }

    private PrintStream out() {
        return new PrintStream(written, true, StandardCharsets.UTF_8);
    }

    private static boolean takes(AgentClient client) {
        try {
            return client.vitals() != null;
        } catch (FailureException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Health await(Predicate<Health> wanted) throws InterruptedException {
        Health health = clones.health();
        while (!wanted.test(health)) {
            Thread.sleep(Duration.ofMillis(5));
            health = clones.health();
        }
        return health;
    }

    private void awaitLog(String text) throws InterruptedException {
        while (!log().contains(text)) {
            Thread.sleep(Duration.ofMillis(5));
        }
    }

    private String log() {
        return written.toString(StandardCharsets.UTF_8);
    }

    private void tell(String text) throws IOException {
        Files.writeString(console, text, StandardOpenOption.WRITE);
    }

    /** Waits until the template has rehearsed, and forgets that. */
    private Health rehearsed() throws InterruptedException {
        Health health = await(each -> "ok".equals(each.parts().get(Adoption.IDENTITY)));
        asked.clear();
        return health;
    }

    private static String facts(String hostname) {
        return "SALLYPORT-FACTS 1\naddress=10.1.0.2/32\ngateway=10.1.0.1\nhostname=" + hostname
                + "\nlayers=l1\nmachine_id=m-7\nproxy=127.0.0.2:9\nseed=" + SEED
                + "\ntime_ms=1795800000000\ntoken_sha256="
                + CLONES.sha256() + "\nvm_type=cli\nEND\n";
    }

    @Test
    void aTemplateIsNobodysAndLooksForNoWayOut() throws Exception {
        assertThat(clones.health().status()).isEqualTo(Health.TEMPLATE);

        Health health = rehearsed();

        assertThat(health.status()).isEqualTo(Health.TEMPLATE);
        assertThat(health.machineId()).isEqualTo("t-1");
        assertThat(health.parts()).containsOnlyKeys(Adoption.IDENTITY);
        assertThat(root.resolve("etc/hosts")).hasContent("127.0.0.1 localhost template\n127.0.0.1 sallyport-gateway\n");
        assertThat(takes(clones)).isFalse();
        assertThat(Facts.read(folder.resolve("facts")).template()).isTrue();
    }

    @Test
    void aCloneBecomesAnotherBeforeItTakesItsToken() throws Exception {
        rehearsed();
        tell("noise\n" + facts("BAD NAME"));
        awaitLog("identity: facts were refused: hostname is missing or of another form");
        assertThat(takes(templates)).isTrue();

        tell(facts("cli-7"));
        Health health = await(each -> !each.status().equals(Health.TEMPLATE));
        assertThat(takes(clones)).isTrue();
        asked.add("the token is taken");

        assertThat(health.status()).isEqualTo("ok");
        assertThat(health.machineId()).isEqualTo("m-7");
        assertThat(takes(templates)).isFalse();
        assertThat(asked)
                .containsExactly(
                        "reseed 32",
                        "address eth0 10.1.0.2/32",
                        "gateway eth0 10.1.0.1 true",
                        "clock 2026-11-27T17:20:00Z",
                        "name cli-7",
                        "bind proc/sys/kernel/random/boot_id 36",
                        "the token is taken");
        assertThat(clones.health().parts()).containsOnlyKeys("egress");
        assertThat(root.resolve("etc/machine-id")).hasContent(machineId());
        assertThat(root.resolve("etc/hostname")).hasContent("cli-7");
        assertThat(root.resolve("etc/hosts")).hasContent("127.0.0.1 localhost cli-7\n127.0.0.2 sallyport-gateway\n");
        Facts now = Facts.read(folder.resolve("facts"));
        assertThat(now.template()).isFalse();
        assertThat(now.machineId()).isEqualTo("m-7");
        assertThat(now.tokenSha256()).isEqualTo(CLONES.sha256());
        awaitLog("adopted as m-7 (");
        assertThat(log())
                .doesNotContain(CLONES.sha256())
                .doesNotContain("BAD NAME")
                .doesNotContain(SEED);
        assertThat(folder.resolve("facts")).content().doesNotContain(SEED);
    }

    private static String machineId() throws Exception {
        Process sum = new ProcessBuilder("sh", "-c", "echo m-7 | sha256sum | cut -c -32").start();
        return new String(sum.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
    }

    @Test
    void itAnswersAsItselfBeforeItServesAnybody() throws Exception {
        rehearsed();
        clockMayBeSet = new CompletableFuture<>();
        tell(facts("cli-7"));

        Health health = await(each -> !each.status().equals(Health.TEMPLATE));
        CompletableFuture<Boolean> taken = CompletableFuture.supplyAsync(() -> takes(clones));

        assertThat(health.machineId()).isEqualTo("m-7");
        assertThat(health.timestamp()).as("its clock is not set yet").startsWith("2026-11-27T17:20:");
        assertThat(taken).isNotDone();
        clockMayBeSet.complete(null);
        assertThat(taken.get()).isTrue();
        assertThat(asked).contains("clock 2026-11-27T17:20:00Z");
    }

    @Test
    void aTemplateHasDoneWhatItsClonesAreToDo() throws Exception {
        await(each -> "ok".equals(each.parts().get(Adoption.IDENTITY)));

        assertThat(asked).contains("reseed 32", "name template").anyMatch(each -> each.startsWith("clock "));
        assertThat(log()).contains("rehearsed a sign-in and the tools in ").doesNotContain("was not asked");
        assertThat(folder.resolve("asked")).hasContent("--version /nonexistent");
        assertThat(folder.resolve("home/workspace")).isEmptyDirectory();
    }

    @Test
    void onceItIsSomebodyItListensNoMore() throws Exception {
        tell(facts("cli-7"));
        await(each -> !each.status().equals(Health.TEMPLATE));
        assertThat(takes(clones)).isTrue();

        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(descriptors.map(AdoptionTest::target)).doesNotContain(console.toString());
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }

    @Test
    void withoutRandomNumbersOfItsOwnItTakesNoToken() throws Exception {
        rehearsed();
        noRandomNumbers = true;
        tell(facts("cli-7"));

        Health health =
                await(each -> each.parts().getOrDefault(Adoption.IDENTITY, "").startsWith("failed"));

        assertThat(health.status()).isEqualTo(Health.TEMPLATE);
        assertThat(health.parts().get(Adoption.IDENTITY)).startsWith("failed: random: ");
        awaitLog("start: failed: TEMPLATE_UNUSABLE identity: random: ");
        assertThat(takes(clones)).isFalse();
        assertThat(asked).isEmpty();
    }

    @Test
    void factsWithoutAWholeSeedAreRefused() throws Exception {
        rehearsed();
        tell(facts("cli-7").replace(SEED, SEED.substring(1)));

        awaitLog("identity: facts were refused: seed is missing or of another form");
        assertThat(takes(clones)).isFalse();
    }

    @Test
    void aTemplateThatCouldNotMakeClonesSaysSoAtOnce() throws Exception {
        rehearsed();
        agent.close();
        noRandomNumbers = true;

        try (Agent other = Agent.on(
                kernel,
                Bench.settings(
                        folder, Map.of("facts", folder.resolve("facts").toString(), "console", console.toString())),
                Facts.read(folder.resolve("facts")),
                new Log(out()))) {
            awaitLog("start: failed: TEMPLATE_FAILED identity: random: ");
            assertThat(other.httpAddress()).isNotNull();
        }
    }
}
