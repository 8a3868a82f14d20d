package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.KernelFiles;
import dev.sallyport.image.Layer;
import dev.sallyport.image.build.BuildInputs;
import dev.sallyport.image.build.ImageBuilder;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A guest that is up within a second or two and does as it is told: the product's own kernel and initramfs with one layer of
 * busybox, whose agent answers {@code GET /health} and runs shell scripts.
 */
public final class ContractGuest {
    /** Part of the line on its console when it is up. */
    public static final String UP = "contract guest is up";

    private static final String INIT = """
            #!/bin/busybox sh
            export PATH=/bin
            /bin/busybox --install -s /bin
            exec </dev/console >/dev/console 2>&1
            fact() { sed -n "s/^$1=//p" /run/sallyport/facts; }
            ip link set lo up
            health() {
              printf '{"status":"%s","timestamp":"%s","activeSessions":0,"version":"contract","machineId":"%s","parts":{}}' \\
                "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(fact machine_id)" >/www/health.new
              mv /www/health.new /www/health
            }
            # A template: on the console it is told who it is.
            told() {
              stty -F /dev/ttyS0 raw -echo opost onlcr
              health template
              : >/run/told
              while read -r line; do
                case $line in
                  'SALLYPORT-FACTS 1') : >/run/told ;;
                  END) break ;;
                  *=*) echo "$line" >>/run/told ;;
                esac
              done </dev/ttyS0
              mv /run/told /run/sallyport/facts
              date -s "@$(($(fact time_ms) / 1000))" >/dev/null
              ip address flush dev eth0
              ip address add "$(fact address)" dev eth0
              health ok
            }
            if [ "$(fact template)" = 1 ]; then told & else health ok; fi
            case "$(fact mode)" in
              deaf) ;;
              mute) httpd -p 8080 -h /www; killall -STOP httpd ;;
              other) sed -i 's/m-[a-z2-7]*/m-aaaaaaaaaaaa/' /www/health; httpd -p 8080 -h /www ;;
              *) httpd -p 8080 -h /www ;;
            esac
            while :; do nc -l -p 8081 -e /bin/cat; done &
            echo "contract guest is up after $(cut -d' ' -f1 /proc/uptime) s"
            while :; do sleep 1000; done
            """;
    private static final String RUN = """
            #!/bin/busybox sh
            echo Content-type: text/plain
            echo
            exec /bin/busybox sh 2>&1
            """;

    private ContractGuest() {}

    /** The {@code cli} image; empty when it has not been built. */
    static Optional<Image> product() {
        return ImageStore.open(Folders.ofThisProcess().cache()).current("cli");
    }

    /** The guest's image. The kernel and the initramfs are made when they are not in the cache yet, which takes some seconds. */
    public static Image image(Path folder) throws IOException, InterruptedException {
        Folders folders = Folders.ofThisProcess();
        var inputs = new BuildInputs(folders.home(), Path.of(System.getProperty("java.home")));
        KernelFiles base = new ImageBuilder(ImageStore.open(folders.cache()), inputs, step -> {}).kernel();
        Path root = folder.resolve("root");
        for (String each : List.of("bin", "sbin", "etc", "proc", "sys", "dev", "run", "tmp", "www/cgi-bin")) {
            Files.createDirectories(root.resolve(each));
        }
        Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"));
        script(root.resolve("sbin/init"), INIT);
        script(root.resolve("www/cgi-bin/run"), RUN);
        assertThat(root.resolve("bin/busybox").toFile().setExecutable(true)).isTrue();
        Path file = folder.resolve("guest.erofs");
        UUID uuid = UUID.randomUUID();
        Command.Result made = Command.run(
                Duration.ofMinutes(1),
                "",
                List.of("mkfs.erofs", "-zlz4", "-U", uuid.toString(), file.toString(), root.toString()));
        assertThat(made.exitCode()).as(made.output()).isZero();
        return new Image(
                "00000000000000aa",
                "contract",
                Instant.EPOCH,
                base.kernel(),
                base.initramfs(),
                List.of(new Layer("contract", "0".repeat(64), uuid, file, Files.size(file))),
                base.arguments());
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, text);
        assertThat(file.toFile().setExecutable(true, false)).isTrue();
    }

    /** Runs a shell script in the guest and returns what it printed. */
    public static String run(Machine machine, String script) throws IOException, InterruptedException {
        URI uri = URI.create("http://" + machine.agent().getAddress().getHostAddress() + ":"
                + machine.agent().getPort() + "/cgi-bin/run");
        try (HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(10))
                .build()) {
            HttpRequest request = HttpRequest.newBuilder(uri)
                    .timeout(Duration.ofSeconds(90))
                    .POST(HttpRequest.BodyPublishers.ofString(script))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        }
    }
}
