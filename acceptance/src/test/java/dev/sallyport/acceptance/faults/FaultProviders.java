package dev.sallyport.acceptance.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Providers of the demo tool whose definitions ask for what fails. */
final class FaultProviders {
    private static final String LOGIN = "[demo, login]";
    private static final String HOST = "id.sallyport.test";
    private static final String FIELDS = "access_token, refresh_token, expires_at, account.email";

    /** Its tool is not in the machine. */
    static final String TOOL_GONE = "fault_tool_gone";
    /** Its tool shows no URL. */
    static final String MUTE = "fault_mute";
    /** Its tool shows a URL of another host than it may. */
    static final String ELSEWHERE = "fault_elsewhere";
    /** Its tool's callback has a port that the fault's image holds. */
    static final String FIXED_PORT = "fault_fixed_port";
    /** It wants a field of the credential file that the tool never writes. */
    static final String MORE_FIELDS = "fault_more_fields";
    /** Its tool needs one more host, which its machines may not reach. */
    static final String CLOSED = "fault_closed";

    private static final String ASKS_ELSEWHERE = "[node, '-e', 'const proxy = new URL(process.env.HTTPS_PROXY);"
            + " require(\"http\").request({host: proxy.hostname, port: proxy.port, method: \"CONNECT\","
            + " path: \"licence.sallyport.test:443\"}).on(\"connect\", (answer) => {"
            + " console.error(\"licence.sallyport.test: the proxy answered \" + answer.statusCode);"
            + " process.exit(1); }).end();']";

    static final int PORT = 1455;

    private FaultProviders() {}

    static void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Map<String, String> definitions = Map.of(
                TOOL_GONE, definition(TOOL_GONE, "[demo-of-old, login]", HOST, "", 60, FIELDS, HOST),
                MUTE, definition(MUTE, "[sleep, '600']", HOST, "", 5, FIELDS, HOST),
                ELSEWHERE,
                        definition(
                                ELSEWHERE,
                                LOGIN,
                                "login.sallyport.test",
                                "",
                                60,
                                FIELDS,
                                HOST + ", login.sallyport.test"),
                FIXED_PORT, definition(FIXED_PORT, LOGIN, HOST, "    ports: [" + PORT + "]\n", 60, FIELDS, HOST),
                MORE_FIELDS, definition(MORE_FIELDS, LOGIN, HOST, "", 60, FIELDS + ", account.shoe_size", HOST),
                CLOSED, definition(CLOSED, ASKS_ELSEWHERE, HOST, "", 60, FIELDS, HOST));
        for (var definition : definitions.entrySet()) {
            Files.writeString(folder.resolve(definition.getKey() + ".yaml"), definition.getValue());
        }
    }

    private static String definition(
            String id, String command, String host, String ports, int seconds, String fields, String egress) {
        return """
            id: %s
            name: Demo
            tool:
              layer: tool-demo
              version: 1.0.0
            signIn:
              command: %s
              urlFrom: [browser_variable, xdg_open, output]
              urlPattern: '(https://\\S+/oauth/authorize\\?\\S+)'
              authorizationHosts: [%s]
              callback:
            %s    path: /callback
              success:
                outputPattern: 'Signed in as '
              urlSeconds: %d
            credentials:
              files:
                - path: .config/demo/credentials.json
                  required: [%s]
            status:
              command: [demo, whoami]
              signedInPattern: '^signed in as .+ at https://'
            egress: [%s]
            """.formatted(id, command, host, ports, seconds, fields, egress);
    }
}
