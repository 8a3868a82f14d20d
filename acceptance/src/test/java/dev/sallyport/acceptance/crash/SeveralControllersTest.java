package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.Leftovers;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.acceptance.standin.TestUser;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Three controllers, each in a network namespace of its own, on one PostgreSQL, with real machines: one is killed, one is frozen for
 * longer than its lease, one is cut off from the database, and one is restarted in good order.
 */
@Tag("machines")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@EnabledIf(value = "isRoot", disabledReason = "network namespaces are root's to make")
final class SeveralControllersTest {
    private static final StageFolder FOLDER = new StageFolder("controllers");
    private static final int HOSTS = 3;
    private static final long LEASE_MS = 6_000;
    private static final int PORT = 4000;
    private static final Duration UNDONE = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(200);

    private static final KillableController[] CONTROLLERS = new KillableController[HOSTS + 1];
    private static final ApiClient[] APIS = new ApiClient[HOSTS + 1];
    private static @Nullable StandInVendors vendors;
    private static @Nullable EmbeddedPostgres postgres;
    private static @Nullable Namespaces namespaces;
    private static @Nullable Forward database;
    private static @Nullable Forward proxy;

    static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    @BeforeAll
    static void open() throws Exception {
        Stage.removeTree(FOLDER.data());
        Folders product = Folders.ofThisProcess();
        vendors = StandInVendors.start();
        namespaces = Namespaces.open(HOSTS);
        Path store = Files.createDirectories(FOLDER.data().resolve("store"));
        postgres = EmbeddedPostgres.start(
                EmbeddedPostgres.Settings.of(new Folders(product.cache(), store, product.home())));
        database = Forward.from(
                Namespaces.bridge(),
                new InetSocketAddress(
                        InetAddress.getLoopbackAddress(), postgres.started().port()));
        proxy = Forward.from(Namespaces.bridge(), vendors.proxy());
        write("owner-password", postgres.access().owner());
        write("password", postgres.access().application());
        Files.writeString(FOLDER.data().resolve("ca.pem"), vendors.caPem());
        start(1);
        // They share what the vault is sealed with.
        for (int host = 2; host <= HOSTS; host++) {
            Files.createDirectories(data(host));
            Files.copy(data(1).resolve("master-key"), data(host).resolve("master-key"));
            start(host);
        }
    }

    private static void write(String name, DatabaseAccess.Login login) throws IOException {
        Path file = Files.createFile(
                FOLDER.data().resolve(name),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, login.password().reveal());
    }

    @AfterAll
    static void close() throws Exception {
        for (int host = 1; host <= HOSTS; host++) {
            if (CONTROLLERS[host] != null && CONTROLLERS[host].isAlive()) {
                CONTROLLERS[host].signal("CONT");
                CONTROLLERS[host].close();
            }
        }
        for (AutoCloseable part : new AutoCloseable[] {database, proxy, postgres, vendors}) {
            if (part != null) {
                part.close();
            }
        }
        if (namespaces != null) {
            namespaces.remove();
        }
        assertThat(Leftovers.processesThatKnow(FOLDER.data())).isEmpty();
        Stage.removeTree(FOLDER.data());
    }

    private static void start(int host) throws Exception {
        start(host, "END");
    }

    private static void start(int host, String onExit) throws Exception {
        Forward toProxy = Objects.requireNonNull(proxy);
        Forward toDatabase = Objects.requireNonNull(database);
        EmbeddedPostgres server = Objects.requireNonNull(postgres);
        Map<String, String> arguments = new HashMap<>();
        arguments.put("listen", Namespaces.address(host) + ":" + PORT);
        arguments.put("proxy", Namespaces.bridge().getHostAddress() + ":" + toProxy.port());
        arguments.put("authorities", FOLDER.data().resolve("ca.pem").toString());
        arguments.put(
                "database",
                "jdbc:postgresql://" + Namespaces.bridge().getHostAddress() + ":" + toDatabase.port() + "/sallyport");
        arguments.put("owner", server.access().owner().user());
        arguments.put(
                "owner_password_file", FOLDER.data().resolve("owner-password").toString());
        arguments.put("user", server.access().application().user());
        arguments.put("password_file", FOLDER.data().resolve("password").toString());
        arguments.put("lease_ms", Long.toString(LEASE_MS));
        arguments.put("on_exit", onExit);
        Folders product = Folders.ofThisProcess();
        CONTROLLERS[host] = KillableController.start(
                new Folders(product.cache(), data(host), product.home()),
                Namespaces.on(host),
                arguments,
                FOLDER.data().resolve("controller-" + host + ".log"));
        APIS[host] =
                CONTROLLERS[host].awaitUp().orElseThrow(() -> new AssertionError("host " + host + " did not come up"));
    }

    private static Path data(int host) {
        return FOLDER.data().resolve("host" + host);
    }

    @Test
    @Order(1)
    void aHostThatIsKilledLosesItsSessionsToACauseAndItsUserStartsAgainElsewhere() throws Exception {
        String session = awaitingUser(1, "ada");
        CONTROLLERS[1].kill();
        assertLost(2, session);
        String again = awaitingUser(2, "ada");
        assertThat(again).isNotEqualTo(session);
        start(1, "LEAVE");
        assertThat(Strangers.of(APIS[1], data(1)))
                .as("what the host that came back left")
                .isEmpty();
        assertThat(machineOf(2, session).path("state").asText()).isEqualTo("destroyed");
        // The new sign-in is not touched by any of it, and any controller takes what is for it.
        assertThat(approve(1, again).path("status").asText()).isEqualTo("completed");
    }

    @Test
    @Order(2)
    void aHostThatWasFrozenFencesItselfBeforeItTouchesAnything() throws Exception {
        String session = awaitingUser(2, "berta");
        CONTROLLERS[2].signal("STOP");
        assertLost(3, session);
        CONTROLLERS[2].signal("CONT");
        awaitDestroyed(3, session);
        assertThat(Strangers.of(APIS[2], data(2))).isEmpty();
        assertOneEnding(3, session);
        assertThat(approve(2, awaitingUser(2, "berta")).path("status").asText())
                .as("it works again")
                .isEqualTo("completed");
    }

    @Test
    @Order(3)
    void aHostThatIsCutOffFromTheDatabaseLosesItsLease() throws Exception {
        String session = awaitingUser(3, "cleo");
        Namespaces.join(3, false);
        assertLost(1, session);
        Namespaces.join(3, true);
        awaitDestroyed(1, session);
        assertOneEnding(1, session);
        assertThat(Strangers.of(APIS[3], data(3))).isEmpty();
    }

    @Test
    @Order(4)
    void aRestartInGoodOrderLosesNothing() throws Exception {
        String session = awaitingUser(1, "dora");
        String machine = session(1, session).path("vm_id").asText();
        CONTROLLERS[1].close();
        assertThat(session(2, session).path("status").asText()).isEqualTo("awaiting_user");
        start(1);
        assertThat(session(1, session).path("vm_id").asText()).isEqualTo(machine);
        assertThat(approve(1, session).path("status").asText()).isEqualTo("completed");
        awaitDestroyed(1, session);
        assertOneEnding(1, session);
    }

    /** Starts a sign-in on a host and answers its id when its user is awaited. */
    private static String awaitingUser(int host, String user) throws InterruptedException {
        String id = APIS[host]
                .post("/api/auth/start", Map.of("userId", user, "provider", "demo"))
                .path("sessionId")
                .asText();
        JsonNode now = follow(host, id, Set.of("awaiting_user", "failed"));
        assertThat(now.path("status").asText()).as(now.toString()).isEqualTo("awaiting_user");
        return id;
    }

    private static JsonNode approve(int host, String id) throws Exception {
        try (var user = new TestUser(Objects.requireNonNull(vendors))) {
            String address = user.decide(
                    APIS[host]
                            .get("/api/auth/session/" + id + "/oauth-url")
                            .path("url")
                            .asText(),
                    "approve");
            APIS[host].post("/api/auth/session/" + id + "/callback", Map.of("address", address));
        }
        JsonNode ended = follow(host, id, Set.of("completed", "failed", "expired"));
        APIS[host].post("/api/auth/session/" + id + "/complete", Map.of());
        return ended;
    }

    private static void assertLost(int seenFrom, String session) throws InterruptedException {
        JsonNode lost = follow(seenFrom, session, Set.of("failed", "completed", "expired"));
        assertThat(lost.path("status").asText()).isEqualTo("failed");
        assertThat(lost.path("cause").path("code").asText()).isEqualTo("HOST_LOST");
    }

    /** Reads the session's timeline, which other controllers tell this one of, until it has one of the statuses. */
    private static JsonNode follow(int host, String id, Set<String> statuses) throws InterruptedException {
        var found = new AtomicReference<JsonNode>();
        APIS[host].events("/api/auth/session/" + id + "/events?after=0", event -> {
            if (event.name().equals("session")
                    && statuses.contains(event.data().path("status").asText())) {
                found.set(event.data());
                return false;
            }
            return true;
        });
        assertThat(found.get()).as("the timeline of " + id + " ended before").isNotNull();
        return found.get();
    }

    private static JsonNode session(int host, String id) throws InterruptedException {
        return APIS[host].get("/api/auth/session/" + id).path("session");
    }

    private static JsonNode machineOf(int host, String session) throws InterruptedException {
        return APIS[host]
                .get("/api/vm/" + session(host, session).path("vm_id").asText())
                .path("vm");
    }

    /** Nothing announces the end of a lost machine to who asks another host: it is asked for until the deadline. */
    private static void awaitDestroyed(int host, String session) throws InterruptedException {
        Instant deadline = Instant.now().plus(UNDONE);
        while (!machineOf(host, session).path("state").asText().equals("destroyed")) {
            assertThat(Instant.now())
                    .as("its machine is " + machineOf(host, session))
                    .isBefore(deadline);
            Thread.sleep(LOOK);
        }
    }

    private static void assertOneEnding(int host, String session) throws InterruptedException {
        String machine = session(host, session).path("vm_id").asText();
        long destroyed = 0;
        for (JsonNode event : APIS[host].get("/api/vm/" + machine + "/events").path("events")) {
            destroyed += event.path("step").asText().equals("machine.destroyed") ? 1 : 0;
        }
        assertThat(destroyed).isEqualTo(1);
    }
}
