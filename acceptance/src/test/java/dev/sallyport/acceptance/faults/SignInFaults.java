package dev.sallyport.acceptance.faults;

import static dev.sallyport.acceptance.faults.FaultCase.around;
import static dev.sallyport.acceptance.faults.FaultStage.READY_USER;
import static dev.sallyport.model.VmType.CLI;

import dev.sallyport.acceptance.standin.Fault;
import dev.sallyport.image.Image;
import dev.sallyport.model.CauseCode;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/** Faults of the way out, of the tool, of the identity provider, and of the hand-over. */
final class SignInFaults {
    private static final String AWAITING = "session.awaiting_user";
    private static final String READY = "browser.agent_ready";
    private static final String TABLE = "sallyport_fault";

    private SignInFaults() {}

    static List<FaultCase> all() {
        return List.of(
                around("egress gateway down", CauseCode.EGRESS_DOWN, "3128|proxy|PROXY", READY, (stage, image) -> {
                    Run.command(
                            "nft",
                            "add table inet " + TABLE + "; add chain inet " + TABLE
                                    + " closed { type filter hook input priority -300; }; add rule inet " + TABLE
                                    + " closed iifname \"spt*\" tcp dport 3128 reject with tcp reset");
                    try {
                        return stage.signIn(READY_USER, "demo", event -> {});
                    } finally {
                        Run.command("nft", "delete table inet " + TABLE);
                    }
                }),
                around(
                        "egress gateway refuses a host that the tool needs",
                        CauseCode.EGRESS_REFUSED,
                        "licence\\.sallyport\\.test",
                        "browser.egress_refused",
                        (stage, image) -> stage.signIn(READY_USER, FaultProviders.CLOSED, event -> {})),
                around(
                        "upstream proxy wants a password",
                        CauseCode.UPSTREAM_PASSWORD,
                        "407|password",
                        "browser.egress_upstream_password",
                        vendors(Fault.PASSWORD)),
                around(
                        "identity provider unreachable",
                        CauseCode.UPSTREAM_UNREACHABLE,
                        "id\\.sallyport\\.test",
                        "browser.egress_upstream_unreachable",
                        vendors(Fault.UNREACHABLE)),
                around(
                        "tool missing from its layer",
                        CauseCode.TOOL_MISSING,
                        "demo-of-old",
                        READY,
                        (stage, image) -> stage.signIn(READY_USER, FaultProviders.TOOL_GONE, event -> {})),
                around(
                        "tool prints no URL in time",
                        CauseCode.URL_NOT_SHOWN,
                        "5 s",
                        READY,
                        (stage, image) -> stage.signIn(READY_USER, FaultProviders.MUTE, event -> {})),
                around(
                        "URL of a host that is not allowed",
                        CauseCode.URL_NOT_ALLOWED,
                        "id\\.sallyport\\.test",
                        READY,
                        (stage, image) -> stage.signIn(READY_USER, FaultProviders.ELSEWHERE, event -> {})),
                new FaultCase(
                        "callback port taken",
                        CauseCode.CALLBACK_PORT_TAKEN,
                        Integer.toString(FaultProviders.PORT),
                        UnitFaults.with(SignInFaults::holdsTheCallbackPort),
                        Optional.empty(),
                        READY,
                        (stage, image) -> {
                            stage.images().use(Objects.requireNonNull(image));
                            try {
                                return stage.signIn(READY_USER, FaultProviders.FIXED_PORT, event -> {});
                            } finally {
                                stage.images().useSound();
                            }
                        }),
                around(
                        "user denies",
                        CauseCode.USER_DENIED,
                        "denied",
                        AWAITING,
                        (stage, image) -> stage.signInAndDecide(READY_USER, "demo", "deny")),
                around(
                        "token exchange refused",
                        CauseCode.TOKEN_REFUSED,
                        "refused|invalid_grant",
                        AWAITING,
                        (stage, image) -> {
                            stage.vendors().fault(Fault.TOKENS_REFUSED, true);
                            try {
                                return stage.signInAndDecide(READY_USER, "demo", "approve");
                            } finally {
                                stage.vendors().fault(Fault.TOKENS_REFUSED, false);
                            }
                        }),
                around(
                        "success, but the file lacks a field",
                        CauseCode.CREDENTIALS_INCOMPLETE,
                        "shoe_size",
                        AWAITING,
                        (stage, image) -> stage.signInAndDecide(READY_USER, FaultProviders.MORE_FIELDS, "approve")),
                inCliMachine(
                        "hand-over refused by the CLI machine",
                        CauseCode.HANDOVER_FAILED,
                        "demo",
                        // Where the folder of the credentials should come, there is a file.
                        layer -> layer.text("/home/user/.config/demo", "in the way\n")),
                inCliMachine(
                        "writable disk full",
                        CauseCode.WRITABLE_DISK_FULL,
                        "No space left|disk",
                        layer -> layer.enabledUnit("fill.service", """
                                [Unit]
                                DefaultDependencies=no
                                Before=sallyport-agent.service
                                [Service]
                                Type=oneshot
                                ExecStart=-/bin/dd if=/dev/zero of=/fill bs=1M
                                ExecStart=-/bin/dd if=/dev/zero of=/fill-2 bs=1k
                                """)),
                inCliMachine(
                        "status check says not signed in",
                        CauseCode.PROOF_FAILED,
                        "not signed in",
                        layer -> layer.program(
                                "/opt/sallyport/tools/demo/bin/demo",
                                "#!/bin/sh\necho 'demo: not signed in' >&2\nexit 1\n")));
    }

    /** It listens before the agent starts: the process that systemd waits for ends once it does. */
    private static void holdsTheCallbackPort(LayerFolder layer) {
        layer.program(
                        "/opt/fault/squatter",
                        "#!/usr/bin/perl\nuse IO::Socket::INET;\n"
                                + "my $door = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => "
                                + FaultProviders.PORT
                                + ", Listen => 5) or die \"listen: $!\";\nfork and exit 0;\nsleep 600;\n")
                .enabledUnit("squatter.service", """
                        [Unit]
                        DefaultDependencies=no
                        Before=sallyport-agent.service
                        [Service]
                        Type=forking
                        ExecStart=/opt/fault/squatter
                        """);
    }

    private static FaultCase.Scene vendors(Fault fault) {
        return (stage, image) -> {
            stage.vendors().fault(fault, true);
            try {
                return stage.signIn(READY_USER, "demo", event -> {});
            } finally {
                stage.vendors().fault(fault, false);
            }
        };
    }

    /** In the machine that takes the credentials: it is a fresh user's, since a machine that is up is kept. */
    private static FaultCase inCliMachine(String name, CauseCode cause, String proof, Consumer<LayerFolder> content) {
        return new FaultCase(
                name,
                cause,
                proof,
                images -> images.with(CLI, content),
                Optional.empty(),
                "vault.sealed",
                (stage, image) -> {
                    Image faulty = Objects.requireNonNull(image);
                    stage.images().use(faulty);
                    try {
                        return stage.signInAndDecide("fault-" + faulty.id(), "demo", "approve");
                    } finally {
                        stage.images().useSound();
                    }
                });
    }
}
