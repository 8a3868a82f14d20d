package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What must differ between machines, and what is secret. */
final class SecretCheckTest {
    private static final String KEY = "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nc2VjcmV0\n";
    private static final String VALUE = "hunter2hunter2";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/var/lib/systemd/random-seed",
                "/root/.claude/.credentials.json",
                "/home/agent/.codex/auth.json",
                "/home/somebody/.gemini/oauth_creds.json",
                "/root/.local/share/opencode/auth.json",
                "/root/.aws/credentials",
                "/root/.netrc",
                "/root/.git-credentials",
                "/root/.vnc/passwd",
                "/root/.config/demo/credentials.json",
                "/root/.ssh/authorized_keys",
                "/root/.ssh/id_ed25519"
            })
    void isAnErrorWhereverItLies(String path) {
        Finding found = Found.error(Root.sound().text(path, VALUE).findings(), CauseCode.IMAGE_UNSOUND, path);
        assertThat(found.toString()).doesNotContain(VALUE);
        Found.nothing(Root.sound().text(path, "").findings());
    }

    @Test
    void filesThatMayHoldSecretsAreReadFirst() {
        Found.nothing(Root.sound()
                .text("/root/.npmrc", "registry=https://registry.example/\n")
                .text("/root/.docker/config.json", "{\"auths\":{}}")
                .findings());
        Found.error(
                Root.sound()
                        .text("/root/.npmrc", "//x/:_authToken=" + VALUE + "\n")
                        .findings(),
                CauseCode.IMAGE_UNSOUND,
                ".npmrc");
        Found.error(
                Root.sound()
                        .text("/root/.docker/config.json", "{\"auths\":{\"x\":{\"auth\":\"" + VALUE + "\"}}}")
                        .findings(),
                CauseCode.IMAGE_UNSOUND);
        Found.error(
                Root.sound()
                        .text("/root/.config/gh/hosts.yml", "github.com:\n  oauth_token: " + VALUE + "\n")
                        .findings(),
                CauseCode.IMAGE_UNSOUND);
        Found.nothing(Root.sound()
                .text("/root/.ssh/known_hosts", "x")
                .text("/root/.ssh/config", "x")
                .findings());
    }

    @Test
    void oneIdentityForAllMachinesIsFound() {
        String id = "0123456789abcdef0123456789abcdef\n";
        Found.error(Root.sound().text("/etc/machine-id", id).findings(), CauseCode.IMAGE_UNSOUND, "/etc/machine-id");
        Found.error(Root.sound().text("/var/lib/dbus/machine-id", id).findings(), CauseCode.IMAGE_UNSOUND);
        Found.nothing(Root.sound().text("/etc/machine-id", "uninitialized\n").findings());
        Found.nothing(
                Root.sound().link("/var/lib/dbus/machine-id", "/etc/machine-id").findings());
    }

    @Test
    void hostKeysAreAnErrorInOursAndAWarningInThoseOfOthers() {
        Root root = Root.sound().text("/etc/ssh/ssh_host_ed25519_key", KEY);
        Found.warning(root.findings(), CauseCode.IMAGE_UNSOUND, "host key");
        Found.error(root.findingsAsOurs(), CauseCode.IMAGE_UNSOUND, "host key");
    }

    @Test
    void passwordsAreJudged() {
        Found.error(
                Root.sound()
                        .text("/etc/shadow", "daemon:*:1\nroot::19000:0:99999:7:::\n")
                        .findings(),
                CauseCode.IMAGE_UNSOUND,
                "/etc/shadow:2",
                "empty");
        Finding found = Found.warning(
                Root.sound()
                        .text("/etc/shadow", "root:$y$j9T$abc$def:19000::::::\n")
                        .findings(),
                CauseCode.IMAGE_UNSOUND,
                "password");
        assertThat(found.toString()).doesNotContain("$y$");
        Found.nothing(Root.sound()
                .text("/etc/shadow", "root:!:1\nuser:!*:1\nother:!$y$locked:1\n")
                .findings());
    }

    @Test
    void privateKeysAreFoundByWhatTheyHold() {
        Found.error(
                Root.sound().text("/etc/ssl/private/server.key", KEY).findings(),
                CauseCode.IMAGE_UNSOUND,
                "server.key");
        Found.error(
                Root.sound()
                        .text("/srv/app/tls.pem", "-----BEGIN PRIVATE " + "KEY-----\n")
                        .findings(),
                CauseCode.IMAGE_UNSOUND);
        Found.warning(
                Root.sound().text("/etc/ssl/private/ssl-cert-snakeoil.key", KEY).findings(),
                CauseCode.IMAGE_UNSOUND,
                "snakeoil");
        Found.nothing(Root.sound()
                .text("/etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\n")
                .text("/opt/app/node_modules/x/test/key.pem", KEY)
                .text("/etc/keyboard.key", "no key at all")
                .findings());
    }

    @Test
    void secretsInAUnitsEnvironmentAreAWarningWithoutTheirValue() {
        Root root = Root.sound().unit("Environment=API_TOKEN=" + VALUE + "\n");
        Finding found = Found.warning(root.findings(), CauseCode.IMAGE_UNSOUND, "API_TOKEN");
        assertThat(found.line()).isEqualTo(5);
        assertThat(root.findings().toString()).doesNotContain(VALUE);
        Found.nothing(Root.sound()
                .unit("Environment=TOKEN_FILE=/run/t TOKEN=/run/x\n")
                .findings());
    }

    @Test
    void whatAnEarlierBootLeftIsAWarning() {
        for (String path : List.of(
                "/var/lib/dhcp/dhclient.eth0.leases",
                "/var/lib/cloud/instances/i-1/user-data.txt",
                "/root/.bash_history")) {
            Found.warning(Root.sound().text(path, "left\n").findings(), CauseCode.IMAGE_UNSOUND);
        }
    }
}
