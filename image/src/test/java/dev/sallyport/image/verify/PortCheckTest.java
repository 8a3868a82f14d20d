package dev.sallyport.image.verify;

import dev.sallyport.model.CauseCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether another unit takes the agent's port, and whether the agent is told another one. */
final class PortCheckTest {
    private static Root with(String name, String text) {
        return Root.sound().service(name, text).wanted("multi-user.target", name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8080", "0.0.0.0:8080", "[::]:8080"})
    void aSocketUnitOnThePortIsFound(String address) {
        Root root = Root.sound()
                .service("web.socket", "[Socket]\nListenStream=" + address + "\n")
                .service("web.service", "[Service]\nExecStart=/bin/sh\n");
        Found.nothing(root.findings());
        Found.error(root.wanted("sockets.target", "web.socket").findings(), CauseCode.AGENT_PORT_TAKEN, "web.socket:2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/bin/sh -m http.server 8080",
                "/bin/sh --port 8080",
                "/bin/sh --port=8080",
                "/bin/sh --listen=0.0.0.0:8080",
                "/bin/sh TCP-LISTEN:8080,fork EXEC:x"
            })
    void anotherServiceThatIsToldThePortIsFound(String command) {
        Found.error(
                with("web.service", "[Service]\nExecStart=" + command + "\n").findings(),
                CauseCode.AGENT_PORT_TAKEN,
                "web.service:2");
        Found.nothing(with("web.service", "[Service]\nExecStart=" + command.replace("8080", "8081") + "\n")
                .findings());
        Found.nothing(with("web.service", "[Unit]\nConditionPathExists=/gone\n[Service]\nExecStart=" + command + "\n")
                .findings());
    }

    @Test
    void anotherServicesEnvironmentCounts() {
        Found.error(
                with("web.service", "[Service]\nEnvironment=PORT=8080\nExecStart=/bin/sh\n")
                        .findings(),
                CauseCode.AGENT_PORT_TAKEN);
    }

    @Test
    void aKnownDaemonsConfigurationCounts() {
        Root root = with("nginx.service", "[Service]\nType=forking\nExecStart=/usr/sbin/nginx\n")
                .program("/usr/sbin/nginx", Elves.program().bytes());
        Found.nothing(root.findings());
        root.text("/etc/nginx/sites-enabled/default", "server {\n\tlisten 8080 default_server;\n}\n");
        Found.error(root.findings(), CauseCode.AGENT_PORT_TAKEN, "/etc/nginx/sites-enabled/default:2");
        Found.error(with("tomcat10.service", "[Service]\nExecStart=/bin/sh\n").findings(), CauseCode.AGENT_PORT_TAKEN);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Environment=PORT=3000", "Environment=HOST=127.0.0.1", "EnvironmentFile=/etc/default/agent"})
    void anAgentThatIsToldToListenElsewhereIsAWarning(String line) {
        Root root = Root.sound()
                .text("/etc/default/agent", "# settings\nPORT=\"9000\"\n")
                .unit(line + "\n");
        Found.warning(root.findings(), CauseCode.AGENT_WRONG_ADDRESS);
    }

    @Test
    void theAgentsCommandLineCountsToo() {
        Found.warning(
                Root.sound()
                        .unit("", "ExecStart=" + Root.AGENT + " --port 9000\n")
                        .findings(),
                CauseCode.AGENT_WRONG_ADDRESS,
                "9000");
        Found.warning(
                Root.sound()
                        .unit("", "ExecStart=" + Root.AGENT + " --listen=127.0.0.1:8080\n")
                        .findings(),
                CauseCode.AGENT_WRONG_ADDRESS,
                "loopback");
        Found.nothing(Root.sound().unit("Environment=PORT=8080 HOST=0.0.0.0\n").findings());
    }
}
