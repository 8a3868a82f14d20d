package dev.sallyport.agent;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the agent takes from its surroundings. The defaults are the guest's layout; each can be set by the system property
 * {@code sallyport.NAME}, so that the agent runs on a plain host as any user.
 *
 * @param facts the machine's facts ({@code facts})
 * @param root the machine's root folder: what names it lies under {@code etc}, the kernel's files under {@code proc} and {@code dev} ({@code root})
 * @param console the serial console, over which a clone of a template is told its facts ({@code console})
 * @param run the folder of what lives as long as the machine runs ({@code run})
 * @param home the home of the tools' user, where credentials are written to ({@code home})
 * @param workspace the directory that the user works in ({@code workspace})
 * @param desktopHome the home of the desktop's user ({@code desktopHome})
 * @param tools the folder with a folder for each tool ({@code tools})
 * @param node the folder with Node.js's programs ({@code node})
 * @param caBundle the system's own bundle of authorities ({@code caBundle})
 * @param xvnc the X and RFB server's program ({@code xvnc})
 * @param chromium Chromium's program, rather than the distribution's shell script around it ({@code chromium})
 * @param policies Chromium's folder of managed policies ({@code policies})
 * @param display the X display's number ({@code display})
 * @param bind the address to listen on ({@code bind})
 * @param port the HTTP port; 0 for any ({@code port})
 * @param streamPort the stream port; 0 for any ({@code streamPort})
 * @param switchUsers whether tools run as {@code user} and the desktop as {@code desktop}, rather than as the agent does ({@code switchUsers})
 * @param chromiumSandbox whether Chromium keeps its sandbox, which it does not work with as root ({@code chromiumSandbox})
 */
public record Settings(
        Path facts,
        Path root,
        Path console,
        Path run,
        Path home,
        Path workspace,
        Path desktopHome,
        Path tools,
        Path node,
        Path caBundle,
        Path xvnc,
        Path chromium,
        Path policies,
        int display,
        String bind,
        int port,
        int streamPort,
        boolean switchUsers,
        boolean chromiumSandbox) {

    /** Reads them; {@code properties} looks a system property up, null when it is not set. */
    public static Settings of(UnaryOperator<@Nullable String> properties) {
        var read = new Reader(properties);
        Path home = Path.of(read.text("home", "/home/user"));
        return new Settings(
                Path.of(read.text("facts", "/run/sallyport/facts")),
                Path.of(read.text("root", "/")),
                Path.of(read.text("console", "/dev/ttyS0")),
                Path.of(read.text("run", "/run/sallyport")),
                home,
                Path.of(read.text("workspace", home.resolve("workspace").toString())),
                Path.of(read.text("desktopHome", "/home/desktop")),
                Path.of(read.text("tools", "/opt/sallyport/tools")),
                Path.of(read.text("node", "/opt/sallyport/node/bin")),
                Path.of(read.text("caBundle", "/etc/ssl/certs/ca-certificates.crt")),
                Path.of(read.text("xvnc", "/usr/bin/Xvnc")),
                Path.of(read.text("chromium", "/usr/lib/chromium/chromium")),
                Path.of(read.text("policies", "/etc/chromium/policies/managed")),
                read.number("display", 1),
                read.text("bind", "0.0.0.0"),
                read.number("port", 8080),
                read.number("streamPort", 8081),
                Boolean.parseBoolean(read.text("switchUsers", "true")),
                Boolean.parseBoolean(read.text("chromiumSandbox", "true")));
    }

    private record Reader(UnaryOperator<@Nullable String> properties) {
        String text(String name, String otherwise) {
            String value = properties.apply("sallyport." + name);
            return value == null ? otherwise : value;
        }

        int number(String name, int otherwise) {
            String value = properties.apply("sallyport." + name);
            return value == null ? otherwise : Integer.parseInt(value);
        }
    }
}
