package dev.sallyport.image.verify;

import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.Conditions;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.image.verify.systemd.ExecLines;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.UnitName;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether another unit of the boot listens where the agent must, and whether the agent itself is told to listen elsewhere. */
final class PortCheck {
    /** Daemons, the ports that they take unless told otherwise, and the files that tell them. To know one more is one more line. */
    private static final Map<String, Daemon> DAEMONS = Map.ofEntries(
            daemon(
                    "nginx",
                    "80",
                    "listen\\s+(?:\\S*:)?(\\d+)\\b.*",
                    "/etc/nginx/nginx.conf",
                    "/etc/nginx/sites-enabled/*",
                    "/etc/nginx/conf.d/*.conf"),
            daemon(
                    "apache2",
                    "80",
                    "Listen\\s+(?:\\S*:)?(\\d+)\\b.*",
                    "/etc/apache2/ports.conf",
                    "/etc/apache2/sites-enabled/*"),
            daemon(
                    "httpd",
                    "80",
                    "Listen\\s+(?:\\S*:)?(\\d+)\\b.*",
                    "/etc/httpd/conf/httpd.conf",
                    "/etc/httpd/conf.d/*.conf"),
            daemon("lighttpd", "80", "server\\.port\\s*=\\s*(\\d+).*", "/etc/lighttpd/lighttpd.conf"),
            daemon("tomcat9", "8080", ".*<Connector port=\"(\\d+)\".*", "/etc/tomcat9/server.xml"),
            daemon("tomcat10", "8080", ".*<Connector port=\"(\\d+)\".*", "/etc/tomcat10/server.xml"),
            daemon("jenkins", "8080", "HTTP_PORT=(\\d+).*", "/etc/default/jenkins"),
            daemon("jetty9", "8080", "jetty\\.http\\.port=(\\d+).*", "/etc/jetty9/start.ini"),
            daemon("ssh", "22", "Port\\s+(\\d+)", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"),
            daemon("haproxy", "", "bind\\s+\\S*:(\\d+)\\b.*", "/etc/haproxy/haproxy.cfg"),
            daemon("squid", "3128", "http_port\\s+(?:\\S*:)?(\\d+).*", "/etc/squid/squid.conf"),
            daemon("privoxy", "8118", "listen-address\\s+\\S*:(\\d+).*", "/etc/privoxy/config"),
            daemon("tinyproxy", "8888", "Port\\s+(\\d+)", "/etc/tinyproxy/tinyproxy.conf"),
            daemon("caddy", "80", "(?:\\S*:)(\\d+)\\s*\\{?", "/etc/caddy/Caddyfile"),
            daemon("cockpit", "9090", ""),
            daemon("webfs", "8000", "web_port=\"?(\\d+).*", "/etc/webfsd.conf"));

    private static final int MAX_FILE = 256 << 10;
    private static final int MAX_LINE = 1000;
    private static final Pattern NAMED = Pattern.compile("--?(?:http-?|listen-?|web-?|server-?)?port[= ](\\d{1,5})");
    private static final Pattern ADDRESS = Pattern.compile(
            "--?(?:listen|bind|addr|address|http|web\\.listen-address|b)[= ]\"?(?:(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:]+]|localhost|\\*))?:(\\d{1,5})");
    private static final Pattern LOOPBACK = Pattern.compile(
            "--?(?:listen|bind|host|addr|address|hostname|bind-address)[= ]\"?(127\\.0\\.0\\.1|localhost|::1|\\[::1])\\b");

    private record Daemon(String port, String pattern, List<String> files) {}

    private final Subject subject;
    private final String port;

    PortCheck(Subject subject) {
        this.subject = subject;
        this.port = Integer.toString(subject.options().port());
    }

    private static Map.Entry<String, Daemon> daemon(String name, String port, String pattern, String... files) {
        return Map.entry(name, new Daemon(port, pattern, List.of(files)));
    }

    void check() throws IOException {
        own();
        for (String name : new ArrayList<>(subject.plan().started())) {
            other(subject.units().load(name));
        }
    }

    private void other(Unit unit) throws IOException {
        if (unit.name().equals(subject.unit().name())
                || subject.plan()
                        .trigger(subject.unit().name())
                        .filter(unit.name()::equals)
                        .isPresent()
                || Conditions.failing(subject.tree(), unit, "Condition").isPresent()) {
            return;
        }
        if (unit.type().equals("socket")) {
            for (Setting setting : unit.all("Socket", "ListenStream")) {
                if (setting.value().equals(port) || setting.value().endsWith(":" + port)) {
                    taken(unit, setting.file(), setting.line(), "listens on port " + port);
                }
            }
        } else if (unit.type().equals("service")) {
            service(unit);
        }
    }

    private void service(Unit unit) throws IOException {
        Daemon daemon = DAEMONS.get(UnitName.prefix(unit.name()));
        if (daemon != null && started(unit)) {
            configured(unit, daemon);
        }
        for (ExecCommand command : ExecLines.read(unit, "Service", "ExecStart", new ArrayList<>())) {
            String line = line(command);
            if (portsOf(line).contains(port) || httpServer(line).equals(port)) {
                taken(unit, command.setting().file(), command.setting().line(), "is told to listen on port " + port);
            }
        }
        for (Setting setting : unit.all("Service", "Environment")) {
            if (setting.value().matches("(?s).*\\b(HTTP_|SERVER_|LISTEN_)?PORT=\"?" + port + "\\b.*")) {
                taken(unit, setting.file(), setting.line(), "is told to listen on port " + port);
            }
        }
    }

    private boolean started(Unit unit) throws IOException {
        for (ExecCommand command : ExecLines.read(unit, "Service", "ExecStart", new ArrayList<>())) {
            if (command.program().startsWith("/")
                    && subject.tree().find(command.program()).isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private void configured(Unit unit, Daemon daemon) throws IOException {
        Set<String> found = new LinkedHashSet<>();
        for (String pattern : daemon.files()) {
            for (String path : Globs.expand(subject.tree(), pattern)) {
                Optional<Entry> file = subject.tree().find(path);
                if (file.isEmpty() || file.get().node().size() > MAX_FILE) {
                    continue;
                }
                Pattern listens = Pattern.compile(daemon.pattern());
                int number = 0;
                for (String line : file.get().text(MAX_FILE).split("\n", -1)) {
                    number++;
                    Matcher matcher = listens.matcher(cut(line.strip()));
                    if (matcher.matches()) {
                        found.add(matcher.group(1));
                        if (matcher.group(1).equals(port)) {
                            taken(unit, path, number, "listens on port " + port);
                        }
                    }
                }
            }
        }
        if (found.isEmpty() && daemon.port().equals(port)) {
            taken(unit, unit.path(), 0, "listens on port " + port + " unless it is told otherwise");
        }
    }

    private void taken(Unit unit, String file, int line, String how) {
        subject.findings()
                .error(
                        CauseCode.AGENT_PORT_TAKEN,
                        file,
                        line,
                        unit.name() + ", which this boot starts, " + how + ", which is the agent's.",
                        "Disable " + unit.name() + ", or give it another port.");
    }

    /** A command as a text, cut where no command still says its port. */
    private static String line(ExecCommand command) {
        return cut(command.program() + " " + String.join(" ", command.arguments()));
    }

    private static String cut(String line) {
        return line.substring(0, Math.min(MAX_LINE, line.length()));
    }

    private static Set<String> portsOf(String line) {
        Set<String> ports = new LinkedHashSet<>();
        Matcher named = NAMED.matcher(line);
        while (named.find()) {
            ports.add(named.group(1));
        }
        Matcher address = ADDRESS.matcher(line);
        while (address.find()) {
            ports.add(address.group(2));
        }
        return ports;
    }

    /** Little servers that take their port as a plain word. */
    private static String httpServer(String line) {
        Matcher matcher = Pattern.compile(
                        ".*(?:http\\.server|SimpleHTTPServer|\\bhttp-server -p|\\bphp\\S* -S \\S*:|\\bnc(?:\\.\\w+)? .*-l\\S* (?:-p )?|TCP\\S*-LISTEN:|\\bhttpd .*-p )\\s*(\\d{2,5}).*")
                .matcher(line);
        return matcher.matches() ? matcher.group(1) : "";
    }

    /** What the agent itself is told. */
    private void own() throws IOException {
        Unit unit = subject.unit();
        for (ExecCommand command : ExecLines.read(unit, "Service", "ExecStart", new ArrayList<>())) {
            String line = line(command);
            Set<String> ports = portsOf(line);
            if (!ports.isEmpty() && !ports.contains(port)) {
                elsewhere(command.setting(), "on port " + ports.iterator().next());
            } else if (LOOPBACK.matcher(line).find() || line.matches(".*[= ]127\\.0\\.0\\.1:" + port + "\\b.*")) {
                elsewhere(command.setting(), "on the loopback address");
            }
        }
        Variables variables = Variables.of(subject);
        for (String name : List.of("PORT", "HTTP_PORT", "SERVER_PORT", "AGENT_PORT", "LISTEN_PORT")) {
            String value = variables.values().getOrDefault(name, "");
            Setting place = variables.places().get(name);
            if (place != null && value.matches("\\d{1,5}") && !value.equals(port)) {
                elsewhere(place, "on port " + value + " (" + name + ")");
            }
        }
        for (String name : List.of("HOST", "BIND", "BIND_ADDRESS", "LISTEN_ADDRESS", "LISTEN_HOST", "AGENT_HOST")) {
            Setting place = variables.places().get(name);
            if (place != null
                    && variables.values().getOrDefault(name, "").matches("(127\\.0\\.0\\.1|localhost|::1)(:\\d+)?")) {
                elsewhere(place, "on the loopback address (" + name + ")");
            }
        }
    }

    private void elsewhere(Setting place, String where) {
        subject.findings()
                .warning(
                        CauseCode.AGENT_WRONG_ADDRESS,
                        place.file(),
                        place.line(),
                        subject.whose() + " tells it to listen " + where
                                + ", and it is asked on all addresses, on port " + port + ".",
                        "Let it listen on all addresses, on port " + port + ".");
    }
}
