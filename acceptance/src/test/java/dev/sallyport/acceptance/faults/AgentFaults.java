package dev.sallyport.acceptance.faults;

import static dev.sallyport.acceptance.faults.FaultCase.atRuntime;
import static dev.sallyport.acceptance.faults.UnitFaults.with;

import dev.sallyport.model.CauseCode;
import java.util.List;

/** Faults of the agent itself, once systemd has started it. */
final class AgentFaults {
    private static final String PROGRAM = "/opt/fault/agent";

    /** Listens, with the one interpreter that every Debian has. */
    private static final String LISTENER = """
            #!/usr/bin/perl
            use IO::Socket::INET;
            my $door = IO::Socket::INET->new(LocalAddr => '%s', LocalPort => %d, Listen => 5, ReuseAddr => 1) or die "listen: $!";
            while (my $client = $door->accept()) { %s close $client; }
            """;

    private AgentFaults() {}

    static List<FaultCase> all() {
        return List.of(
                atRuntime(
                        "agent exits at once (code 3)",
                        CauseCode.AGENT_FAILED,
                        "status=3|code 3|with 3",
                        with(layer -> layer.program(PROGRAM, "#!/bin/sh\necho 'cannot read its settings' >&2\nexit 3\n")
                                .agentIs(PROGRAM))),
                atRuntime(
                        "agent killed by a signal",
                        CauseCode.AGENT_KILLED,
                        "SEGV",
                        with(layer -> layer.program(PROGRAM, "#!/bin/sh\nulimit -c 0\nkill -SEGV $$\n")
                                .agentIs(PROGRAM))),
                atRuntime(
                        "agent crash-loops",
                        CauseCode.AGENT_CRASH_LOOP,
                        "restart",
                        with(layer -> layer.program(PROGRAM, "#!/bin/sh\necho 'no way on' >&2\nexit 1\n")
                                .agentSettings("[Service]\nExecStart=\nExecStart=" + PROGRAM + "\n"))),
                atRuntime(
                        "agent hangs before listening",
                        CauseCode.AGENT_HUNG,
                        "hung|idle|process",
                        with(layer -> layer.program(PROGRAM, "#!/bin/sh\nexec sleep 600\n")
                                .agentIs(PROGRAM))),
                atRuntime(
                        "agent listens on 127.0.0.1 alone",
                        CauseCode.AGENT_WRONG_ADDRESS,
                        "127\\.0\\.0\\.1",
                        with(layer -> layer.program(PROGRAM, LISTENER.formatted("127.0.0.1", 8080, ""))
                                .agentIs(PROGRAM))),
                atRuntime(
                        "agent listens on another port",
                        CauseCode.AGENT_WRONG_ADDRESS,
                        "8090",
                        with(layer -> layer.program(PROGRAM, LISTENER.formatted("0.0.0.0", 8090, ""))
                                .agentIs(PROGRAM))),
                atRuntime(
                        "port already taken",
                        CauseCode.AGENT_PORT_TAKEN,
                        "8080",
                        with(layer -> layer.program("/opt/fault/squatter", LISTENER.formatted("127.0.0.1", 8080, ""))
                                .enabledUnit(
                                        "squatter.service",
                                        "[Unit]\nDefaultDependencies=no\nBefore=sallyport-agent.service\n"
                                                + "[Service]\nType=simple\nExecStart=/opt/fault/squatter\n"
                                                // Started means listening: the agent's unit comes after it.
                                                + "ExecStartPost=/bin/sh -c 'until grep -q :1F90 /proc/net/tcp; do sleep 0.1; done'\n")
                                .agentSettings("[Service]\nRestart=no\n"))),
                atRuntime(
                        "answers, but not with health",
                        CauseCode.AGENT_WRONG,
                        "404",
                        with(layer -> layer.program(
                                        PROGRAM,
                                        LISTENER.formatted(
                                                "0.0.0.0",
                                                8080,
                                                "sysread($client, my $x, 4096); print $client"
                                                        + " \"HTTP/1.0 404 Not Found\\r\\n\\r\\nno\";"))
                                .agentIs(PROGRAM))));
    }
}
