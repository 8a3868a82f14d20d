package dev.sallyport.agent.signin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.provider.Provider;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RulesTest {
    private final UrlRule urls = new UrlRule(List.of("id.example.test"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://id.example.test/authorize?state=x",
                "HTTPS://ID.example.test/authorize",
                "https://id.example.test:443/a"
            })
    void aUrlOfTheProvidersHostIsOpened(String url) {
        assertThat(urls.check(url)).hasToString(url);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://id.example.test/authorize",
                "https://other.example.test/authorize",
                "https://id.example.test.evil.test/",
                "https://evil.test/id.example.test",
                "https://id.example.test@evil.test/",
                "https://user@id.example.test/",
                "https://id.example.test:8443/",
                "https://evil.test\\@id.example.test/",
                "https:id.example.test",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "https://id.example.test/\u001b[2J",
                "",
            })
    void anyOtherIsNot(String url) {
        FailureException failure = catchThrowableOfType(FailureException.class, () -> urls.check(url));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.URL_NOT_ALLOWED);
    }

    @Test
    void aUrlIsBoundedAndItsQueryIsNotEvidence() {
        FailureException tooLong = catchThrowableOfType(
                FailureException.class, () -> urls.check("https://id.example.test/" + "a".repeat(9000)));
        assertThat(tooLong.reason().code()).isEqualTo(CauseCode.URL_NOT_ALLOWED);

        FailureException foreign = catchThrowableOfType(
                FailureException.class, () -> urls.check("https://evil.test/path?state=very-secret"));
        assertThat(foreign.reason().evidence()).containsExactly("https://evil.test/path?***");
    }

    private static CallbackRule callback(String authorization, Integer... ports) {
        return new CallbackRule(
                new Provider.Callback(List.of(ports), "/auth/callback", false), URI.create(authorization));
    }

    private static final String AUTHORIZATION =
            "https://id.example.test/a?state=S%2B1&redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost:1455/auth/callback?code=c&state=S%2B1",
                "http://127.0.0.1:1455/auth/callback?code=c&state=S%2B1",
                "  http://localhost:1455/auth/callback?error=access_denied  ",
            })
    void theSignInsOwnCallbackIsReplayed(String address) {
        assertThat(callback(AUTHORIZATION).check(address).getPort()).isEqualTo(1455);
        assertThat(callback(AUTHORIZATION, 1455, 1457).check(address).getPort()).isEqualTo(1455);
        assertThat(callback("https://id.example.test/a", 1455).check(address).getPort())
                .isEqualTo(1455);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "https://localhost:1455/auth/callback?code=c scheme",
                "http://example.test:1455/auth/callback?code=c host",
                "http://127.0.0.2:1455/auth/callback?code=c host",
                "http://[::1]:1455/auth/callback host",
                "http://localhost/auth/callback port",
                "http://localhost:1457/auth/callback?code=c port",
                "http://localhost:22/auth/callback?code=c port",
                "http://localhost:1455/cancel path",
                "http://localhost:1455/auth/callback/../cancel path",
                "http://localhost:1455/auth/callback%2f path",
                "http://u@localhost:1455/auth/callback user",
                "http://localhost:1455/auth/callback?code=c&state=another state",
                "the-code text",
                "file:///auth/callback scheme",
            })
    void noOtherAddressIs(String address, String why) {
        FailureException failure =
                catchThrowableOfType(FailureException.class, () -> callback(AUTHORIZATION).check(address));
        assertThat(failure).as(why).isNotNull();
        assertThat(failure.reason().code()).isEqualTo(CauseCode.CALLBACK_NOT_ALLOWED);
    }

    @Test
    void withoutAKnownPortNothingIsReplayed() {
        assertThat(catchThrowableOfType(FailureException.class, () -> callback("https://id.example.test/a")
                        .check("http://localhost:1455/auth/callback")))
                .isNotNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "visit: https://a.test/x?state=s&code=c now|visit: https://a.test/x?*** now",
                "see https://a.test/path#frag|see https://a.test/path?***",
                "token sk-ant-0123456789abcdefghijklmnop-qrst|token ***",
                "/opt/sallyport/tools/codex/node_modules/index.js|/opt/sallyport/tools/codex/node_modules/index.js",
                "Error: listen EADDRINUSE 127.0.0.1:1455|Error: listen EADDRINUSE 127.0.0.1:1455",
            })
    void evidenceLosesWhatIsSecret(String raw, String shown) {
        assertThat(Redaction.of(raw)).isEqualTo(shown);
    }
}
