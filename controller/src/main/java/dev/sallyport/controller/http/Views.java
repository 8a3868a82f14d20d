package dev.sallyport.controller.http;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.StoredToken;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.TimelineEvent;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the API shows of things: the JSON shapes of its answers. Field names are the contract. */
final class Views {
    private Views() {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record SessionView(
            String sessionId,
            String userId,
            String provider,
            String status,
            @Nullable String vmId,
            @Nullable String vmIp,
            @Nullable String vncUrl,
            @Nullable String errorMessage,
            @Nullable CauseView cause,
            @Nullable String cliVmId,
            @Nullable String proof,
            int viewers,
            String createdAt,
            String updatedAt,
            @Nullable String endedAt,
            @Nullable String expiresAt,
            @Nullable String browserUntil) {
        /**
         * @param browserAddress of the browser machine, while it runs here
         * @param browserUntil until when it stays after the session's end
         */
        static SessionView of(StoredSession session, @Nullable String browserAddress, @Nullable Instant browserUntil) {
            return new SessionView(
                    session.id().value(),
                    session.user().value(),
                    session.provider().value(),
                    session.status().wire(),
                    text(session.browserMachine()),
                    browserAddress,
                    browserAddress == null ? null : "/s/" + session.id() + "/screen",
                    session.cause() == null ? null : session.cause().message(),
                    session.cause() == null ? null : CauseView.of(session.cause()),
                    text(session.cliMachine()),
                    session.proof(),
                    session.viewers(),
                    session.createdAt().toString(),
                    session.updatedAt().toString(),
                    text(session.endedAt()),
                    text(session.expiresAt()),
                    text(browserUntil));
        }
    }

    record CauseView(String code, String family, String sentence, String detail, String remedy, List<String> evidence) {
        static CauseView of(Cause cause) {
            return new CauseView(
                    cause.code().name(),
                    familyOf(cause.code()),
                    cause.code().sentence(),
                    cause.detail(),
                    cause.code().remedy(),
                    cause.evidence());
        }
    }

    /** One entry of the catalogue. */
    record CatalogueView(String code, String family, String chapter, int status, String sentence, String remedy) {
        static CatalogueView of(CauseCode code) {
            return new CatalogueView(
                    code.name(),
                    familyOf(code),
                    code.family().title(),
                    code.httpStatus(),
                    code.sentence(),
                    code.remedy());
        }
    }

    record CausesAnswer(List<CatalogueView> causes) {}

    record SessionAnswer(SessionView session) {}

    record SessionsAnswer(
            List<SessionView> sessions, @Nullable String next) {}

    record StartAnswer(
            boolean success,
            String sessionId,
            String provider,
            String status,
            @JsonProperty("novncURL") String novncUrl) {}

    record ScreenAnswer(
            boolean success,
            @JsonProperty("novncURL") String novncUrl,
            String ticket,
            @JsonProperty("websocketURL") String websocketUrl,
            String expiresAt) {}

    record UrlAnswer(String sessionId, @Nullable String url) {}

    record PageAnswer(String url, String expiresAt) {}

    record KeepAnswer(boolean success, String browserUntil) {}

    record Done(boolean success) {}

    record EventView(
            long sequence,
            String at,
            @JsonProperty("at_ms") long sinceStartMs,
            String step,
            String text,
            Map<String, String> details) {
        static EventView of(TimelineEvent event, Instant began) {
            return new EventView(
                    event.sequence(),
                    event.at().toString(),
                    Duration.between(began, event.at()).toMillis(),
                    event.step(),
                    event.text(),
                    event.details());
        }
    }

    record EventsAnswer(List<EventView> events) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record MachineView(
            String vmId,
            String vmType,
            String purpose,
            String state,
            @Nullable String userId,
            @Nullable String sessionId,
            String image,
            String driver,
            @Nullable String vmIp,
            @Nullable String endReason,
            @Nullable CauseView cause,
            String createdAt,
            @Nullable String readyAt,
            @Nullable String endedAt) {
        static MachineView of(StoredMachine machine) {
            InetSocketAddress agent = machine.agent();
            return new MachineView(
                    machine.id().value(),
                    machine.type().wire(),
                    machine.purpose().wire(),
                    machine.state().wire(),
                    text(machine.user()),
                    text(machine.session()),
                    machine.imageId(),
                    machine.driver(),
                    agent == null ? null : agent.getHostString(),
                    machine.endReason(),
                    machine.cause() == null ? null : CauseView.of(machine.cause()),
                    machine.createdAt().toString(),
                    text(machine.readyAt()),
                    text(machine.endedAt()));
        }
    }

    record MachineAnswer(boolean success, MachineView vm) {}

    record MachinesAnswer(List<MachineView> vms, @Nullable String next) {}

    record ProviderView(String id, String name, String version) {}

    record ProvidersAnswer(List<ProviderView> providers) {}

    record ImageView(String id, String recipe, String created, boolean current, long bytes, List<LayerView> layers) {}

    record LayerView(String name, String digest, long bytes) {}

    record ImagesAnswer(List<ImageView> images) {}

    record MeAnswer(String role, @Nullable String userId) {}

    record TokenView(
            String id,
            String userId,
            String label,
            String createdAt,
            @Nullable String expiresAt,
            @Nullable String revokedAt) {
        static TokenView of(StoredToken token) {
            return new TokenView(
                    token.id(),
                    token.user().value(),
                    token.label(),
                    token.createdAt().toString(),
                    text(token.expiresAt()),
                    text(token.revokedAt()));
        }
    }

    record TokensAnswer(List<TokenView> tokens, @Nullable String next) {}

    /** The only answer that ever shows a token. */
    record NewTokenAnswer(TokenView token, String secret) {}

    record HealthAnswer(String status, String timestamp, int activeSessions, String version) {}

    private static String familyOf(CauseCode code) {
        return code.family().name().toLowerCase(Locale.ROOT);
    }

    static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
