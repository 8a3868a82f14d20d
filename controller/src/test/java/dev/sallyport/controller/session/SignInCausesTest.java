package dev.sallyport.controller.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.pool.EgressTroubles;
import dev.sallyport.egress.EgressEvent;
import dev.sallyport.egress.EgressEvent.Kind;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The joining of a tool's words, as they were seen, with the events of its machine's way out. */
class SignInCausesTest {
    private static final Provider CODEX = Providers.builtIn().require(new ProviderId("codex"));
    private static final String HOST = "auth.openai.com";
    private static final String REASON = "No connection to auth.openai.com:443 could be made: the connection was refused.";
    private static final Instant OPENED = Instant.parse("2026-01-01T00:00:00Z");

    private final MachineId machine = MachineId.random();
    private final SignInCauses causes = new SignInCauses(CODEX);
    private Instant now = OPENED;
    private final EgressTroubles troubles = new EgressTroubles(() -> now);

    private void event(Duration after, Kind kind, String host) {
        now = OPENED.plus(after);
        troubles.happened(new EgressEvent(machine, kind, host, REASON, 0));
    }

    private static Cause told(CauseCode code, String... words) {
        return Cause.of(code, "It exited with 1.", words);
    }

    @ParameterizedTest
    @EnumSource(
            value = CauseCode.class,
            names = {"TOOL_FAILED", "URL_NOT_SHOWN", "TOKEN_REFUSED", "UPSTREAM_UNREACHABLE"})
    void aVagueCauseYieldsToWhatTheWayOutHasSeenAndKeepsItsWords(CauseCode vague) {
        event(Duration.ZERO, Kind.UPSTREAM_PASSWORD, HOST);
        event(Duration.ZERO, Kind.UPSTREAM_PASSWORD, HOST);

        Cause cause = causes.join(told(vague, "error sending request for url (https://auth.openai.com/oauth/token)"), troubles);

        assertThat(cause.code()).isEqualTo(CauseCode.UPSTREAM_PASSWORD);
        assertThat(cause.evidence())
                .containsExactly(
                        "egress gateway: auth.openai.com: " + REASON + " (2 times)",
                        "error sending request for url (https://auth.openai.com/oauth/token)");
    }

    @ParameterizedTest
    @EnumSource(
            value = CauseCode.class,
            names = {"USER_DENIED", "CALLBACK_PORT_TAKEN", "TOOL_MISSING", "EGRESS_DOWN", "CREDENTIALS_INCOMPLETE"})
    void aCertainCauseStays(CauseCode certain) {
        event(Duration.ZERO, Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.join(told(certain, "words"), troubles)).isEqualTo(told(certain, "words"));
    }

    @Test
    void aHostThatWasReachedSinceIsNoCause() {
        event(Duration.ZERO, Kind.UPSTREAM_UNREACHABLE, HOST);
        troubles.reached(HOST);
        Cause refused = told(CauseCode.TOKEN_REFUSED, "token endpoint returned status 400 Bad Request");

        assertThat(causes.join(refused, troubles)).isEqualTo(refused);
    }

    @ParameterizedTest
    @CsvSource({
        "TOOL_FAILED, telemetry.example.com, cannot start, TOOL_FAILED",
        "TOOL_FAILED, telemetry.openai.com, cannot start, TOOL_FAILED",
        "UPSTREAM_UNREACHABLE, telemetry.example.com, no connection, UPSTREAM_UNREACHABLE",
        "UPSTREAM_UNREACHABLE, token.openai.com, no connection, EGRESS_REFUSED",
        "TOOL_FAILED, token.example.com, cannot reach token.example.com, EGRESS_REFUSED",
    })
    void aRefusedHostIsACauseWhereTheToolsWordsLeadToIt(CauseCode told, String host, String words, CauseCode expected) {
        event(Duration.ZERO, Kind.REFUSED, host);
        assertThat(causes.join(told(told, words), troubles).code()).isEqualTo(expected);
    }

    @Test
    void theSignInsHostThatFailsAgainEndsTheWait() {
        event(Duration.ofMillis(100), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now)).as("once").isEmpty();
        event(Duration.ofMillis(150), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now))
                .as("two connections of one try")
                .isEmpty();
        event(Duration.ofMillis(1700), Kind.UPSTREAM_UNREACHABLE, HOST);

        assertThat(causes.whileWaiting(troubles, OPENED, now)).hasValueSatisfying(cause -> {
            assertThat(cause.code()).isEqualTo(CauseCode.UPSTREAM_UNREACHABLE);
            assertThat(cause.evidence()).containsExactly("egress gateway: auth.openai.com: " + REASON + " (3 times)");
        });
    }

    @Test
    void aSuccessInBetweenStartsTheCountAnew() {
        event(Duration.ofMillis(100), Kind.UPSTREAM_UNREACHABLE, HOST);
        troubles.reached(HOST);
        event(Duration.ofMillis(1700), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now)).isEmpty();
    }

    @Test
    void anotherKindOfFailureStartsTheCountAnew() {
        event(Duration.ofMillis(100), Kind.UPSTREAM_UNREACHABLE, HOST);
        event(Duration.ofMillis(1700), Kind.UPSTREAM_PASSWORD, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now)).isEmpty();
    }

    @Test
    void otherHostsNeverEndAWait() {
        for (int i = 0; i < 100; i++) {
            event(Duration.ofSeconds(i), Kind.REFUSED, "fonts.example.com");
            event(Duration.ofSeconds(i), Kind.UPSTREAM_UNREACHABLE, "cdn.openai.com");
        }
        assertThat(causes.whileWaiting(troubles, OPENED, now)).isEmpty();
    }

    @Test
    void whatHappenedBeforeThePageWasOpenedDoesNotEndTheWait() {
        event(Duration.ofSeconds(-5), Kind.UPSTREAM_UNREACHABLE, HOST);
        event(Duration.ofSeconds(-1), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, OPENED)).isEmpty();
    }

    @Test
    void aShortBreakWhileTheUserSignsInIsForgivenAndALongOneIsNot() {
        event(Duration.ofMinutes(5), Kind.UPSTREAM_UNREACHABLE, HOST);
        event(Duration.ofMinutes(5).plusSeconds(3), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now)).isEmpty();
        event(Duration.ofMinutes(5).plusSeconds(21), Kind.UPSTREAM_UNREACHABLE, HOST);
        assertThat(causes.whileWaiting(troubles, OPENED, now)).isPresent();
    }

    @Test
    void aPageThatDoesNotLoadHasTheWayOutsCauseAndBothTheirWords() {
        Cause page = told(CauseCode.UPSTREAM_UNREACHABLE, "Chromium on https://auth.openai.com/oauth/authorize: net::ERR_TUNNEL_CONNECTION_FAILED, 3 times");
        assertThat(causes.pageFailed(page, troubles)).isEqualTo(page);
        event(Duration.ZERO, Kind.REFUSED, HOST);
        assertThat(causes.pageFailed(page, troubles).code()).isEqualTo(CauseCode.EGRESS_REFUSED);
        assertThat(causes.pageFailed(page, troubles).evidence()).hasSize(2).endsWith(page.evidence().getFirst());
    }

    @ParameterizedTest
    @CsvSource({
        "BAD_REQUEST, HANDOVER_FAILED",
        "UNKNOWN, HANDOVER_FAILED",
        "MACHINE_UNREACHABLE, HANDOVER_FAILED",
        "AGENT_WRONG, HANDOVER_FAILED",
        "HANDOVER_FAILED, HANDOVER_FAILED",
        "WRITABLE_DISK_FULL, WRITABLE_DISK_FULL",
        "MACHINE_ENDED, MACHINE_ENDED",
    })
    void whateverTheCliMachineAnswersIsAHandOversFailure(CauseCode met, CauseCode expected) {
        Cause cause = SignInCauses.handOver(Cause.of(met, "POST /credentials/write was not answered.", "Connection refused"));

        assertThat(cause.code()).isEqualTo(expected);
        assertThat(cause.detail()).endsWith("The credentials are safe in the vault.");
        assertThat(cause.evidence()).contains("Connection refused");
        if (met != expected) {
            assertThat(cause.evidence().getFirst()).startsWith(met + ": ");
        }
    }

    @Test
    void aStatusCommandThatIsMissingIsSoInTheCliMachine() {
        Cause cause = SignInCauses.statusCheck(Cause.of(CauseCode.TOOL_MISSING, "There is no codex in this machine.", "PATH=/usr/bin"));
        assertThat(cause.code()).isEqualTo(CauseCode.TOOL_MISSING);
        assertThat(cause.detail()).startsWith("In the CLI machine: There is no codex");
    }

    @Test
    void oneMachineFillsNoMemory() {
        for (int i = 0; i < 1000; i++) {
            event(Duration.ofMillis(i), Kind.REFUSED, "host" + i + ".example.com");
        }
        assertThat(troubles.all()).hasSize(64);
    }
}
