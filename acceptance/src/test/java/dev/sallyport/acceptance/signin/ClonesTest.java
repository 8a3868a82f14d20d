package dev.sallyport.acceptance.signin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.Health;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.controller.Settings;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.HealthProbe;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Readiness;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.qemu.QemuDriver;
import dev.sallyport.machine.qemu.QemuOptions;
import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two browser machines that begin from one template: all that was in its memory is the same in both, and yet they are two. */
@Tag("machines")
@Timeout(value = 8, unit = TimeUnit.MINUTES)
final class ClonesTest {
    private static final Duration UP = Duration.ofMinutes(3);
    /**
     * A tool that says what its machine is and who goes first in it, a word a line. Random bytes in decimal, and long words in pieces, so that nothing takes
     * them for secrets.
     */
    private static final String INSIDE = """
            id: demo
            name: Inside
            tool: {layer: tool-demo, version: 1.0.0}
            signIn:
              command: [demo, login]
              urlFrom: [output]
              urlPattern: '(https://\\S+)'
              authorizationHosts: [id.sallyport.test]
              callback: {path: /callback}
              success: {outputPattern: 'x'}
            credentials:
              files: [{path: .config/demo/credentials.json, required: [access_token]}]
            status:
              command:
                - sh
                - -c
                - |
                  echo "random $(od -An -v -tu1 -w64 -N32 /dev/urandom)"
                  echo "machine $(fold -w8 /etc/machine-id | tr '\\n' ' ')"
                  echo "boot $(tr - ' ' </proc/sys/kernel/random/boot_id)"
                  echo "name $(cat /proc/sys/kernel/hostname) $(cat /etc/hostname)"
                  echo "clock $(date +%s)"
                  echo "gateway $(grep -c sallyport-gateway /etc/hosts)"
                  echo "tool $(cut -d' ' -f19 /proc/self/stat)"
                  for process in /proc/[0-9]*; do
                    read -r name <$process/comm
                    case $name in
                      java) echo "agent $(cut -d' ' -f19 $process/stat)" ;;
                      ksoftirqd/0) echo "network $(cut -d' ' -f40,41 $process/stat)" ;;
                    esac
                  done
              signedInPattern: 'machine'
            egress: [id.sallyport.test]
            """;

    @TempDir
    Path folder;

    private final QemuDriver driver =
            new QemuDriver(QemuOptions.defaults(Folders.ofThisProcess().cache()));
    private final List<AutoCloseable> opened = new ArrayList<>();

    private record Clone(MachineId id, Machine machine, AgentClient agent, HelloDoor door) {}

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private MachineSpec spec(Secret token, HelloDoor door) throws IOException {
        Folders folders = Folders.ofThisProcess();
        Settings.Shape shape = Settings.defaults(folders).shape(VmType.BROWSER);
        MachineId id = MachineId.random();
        return new MachineSpec(
                id,
                VmType.BROWSER,
                ImageStore.open(folders.cache()).current("browser").orElseThrow(),
                shape.memoryMib(),
                shape.cpus(),
                shape.diskBytes(),
                Files.createDirectory(folder.resolve(id.value())),
                Map.of(
                        "token_sha256",
                        token.sha256(),
                        "hostname",
                        "browser-" + id.value().substring(2),
                        "time",
                        Long.toString(Instant.now().getEpochSecond())),
                door);
    }

    private Machine start(MachineSpec spec) throws InterruptedException {
        Machine machine = driver.start(spec, ResourceLedger.NONE, (step, text, details) -> {});
        opened.add(() -> assertThat(machine.destroy()).isEmpty());
        new Readiness(machine, HttpHealthProbe.of(spec)).await(UP);
        return machine;
    }

    /** Waits until the agent says that all of its parts are up. */
    private static Health awaitParts(Machine machine, boolean wayOut) throws InterruptedException {
        var probe = new HttpHealthProbe();
        long deadline = System.nanoTime() + UP.toNanos();
        String last = "nothing";
        while (System.nanoTime() < deadline) {
            var answer = probe.ask(machine.agent(), Duration.ofSeconds(5));
            last = answer.text();
            if (answer instanceof HealthProbe.Answer.Healthy(Health health)) {
                last = health.parts().toString();
                if (health.parts().entrySet().stream()
                        .allMatch(part -> part.getValue().equals("ok")
                                || (!wayOut && part.getKey().equals("egress")))) {
                    return health;
                }
            }
            // The agent's health cannot be waited for, only asked.
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new AssertionError("the parts are not up: " + last);
    }

    private Path template() throws Exception {
        Path template = Files.createDirectory(folder.resolve("template"));
        var door = new HelloDoor();
        opened.add(door);
        Machine machine = start(spec(Secret.random(32), door).from(new Origin.ForTemplate(template)));
        awaitParts(machine, false);
        machine.snapshot();
        assertThat(machine.destroy()).isEmpty();
        return template;
    }

    private Clone cloneOf(Path template) throws Exception {
        Secret token = Secret.random(32);
        var door = new HelloDoor();
        opened.add(door);
        MachineSpec spec = spec(token, door).from(new Origin.FromTemplate(template));
        Machine machine = start(spec);
        var agent = new AgentClient(machine.agent(), machine.streams(), token);
        opened.add(agent);
        return new Clone(spec.id(), machine, agent, door);
    }

    private static Map<String, String> inside(Clone clone, Provider asked) throws InterruptedException {
        String told = clone.agent().status(new AskStatus(asked)).output();
        return told.lines()
                .filter(line -> line.indexOf(' ') > 0)
                .collect(java.util.stream.Collectors.toMap(
                        line -> line.substring(0, line.indexOf(' ')),
                        line -> line.substring(line.indexOf(' ')).strip()));
    }

    private static HelloDoor.Hello hello(Clone clone) throws InterruptedException {
        Provider demo = Providers.builtIn().require(new ProviderId("demo"));
        clone.agent().startSignIn(new StartSignIn("s-" + "a".repeat(20), demo));
        while (true) {
            HelloDoor.Hello hello = clone.door().hellos().poll(2, TimeUnit.MINUTES);
            assertThat(hello).as("Chromium's hello to the identity provider").isNotNull();
            if (hello.host().equals("id.sallyport.test")) {
                return hello;
            }
        }
    }

    @Test
    void theyShareNoRandomBytesNoIdentityNoClockErrorAndNoKeys() throws Exception {
        Path template = template();
        Clone one = cloneOf(template);
        Clone two = cloneOf(template);
        Provider asked = Providers.parse("inside.yaml", INSIDE);

        Map<String, String> inOne = inside(one, asked);
        Map<String, String> inTwo = inside(two, asked);
        for (String own : List.of("random", "machine", "boot", "name")) {
            assertThat(inOne).as(own).containsKey(own);
            assertThat(inOne.get(own)).as(own).isNotBlank().isNotEqualTo(inTwo.get(own));
        }
        for (Map<String, String> each : List.of(inOne, inTwo)) {
            long off = Long.parseLong(each.get("clock")) - Instant.now().getEpochSecond();
            // Asking takes a while of an emulated machine; a template's clock would be off by all that passed since.
            assertThat(off).as("seconds that its clock is ahead").isBetween(-20L, 1L);
            assertThat(each.get("gateway")).isEqualTo("1");
            // proc(5), stat: the niceness, the priority among what goes first, and by which policy that is (2,
            // SCHED_RR).
            assertThat(each)
                    .containsEntry("tool", "0")
                    .containsEntry("agent", "-10")
                    .containsEntry("network", "2 2");
        }
        assertThat(inOne.get("name"))
                .isEqualTo("browser-" + one.id().value().substring(2) + " browser-"
                        + one.id().value().substring(2));
        assertThat(Duration.between(
                        Instant.parse(awaitParts(one.machine(), true).timestamp()), Instant.now()))
                .isBetween(Duration.ofSeconds(-1), Duration.ofSeconds(2));

        HelloDoor.Hello fromOne = hello(one);
        HelloDoor.Hello fromTwo = hello(two);
        assertThat(fromOne.random()).isNotEqualTo(fromTwo.random());
        assertThat(fromOne.keyShare()).isNotEqualTo(fromTwo.keyShare());
    }
}
