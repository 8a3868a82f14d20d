package dev.sallyport.agentapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AgentJsonTest {
    static final Provider PROVIDER = new Provider(
            new ProviderId("demo"),
            "Demo",
            new Provider.Tool("tool-demo", "1"),
            Map.of("A", "${home}"),
            new Provider.SignIn(
                    List.of("demo", "login"),
                    Provider.Streams.PTY,
                    List.of(),
                    "",
                    List.of(new Provider.SeedFile("a/b", "0600", "text\n\twith tab")),
                    List.of(Provider.UrlSource.BROWSER_VARIABLE, Provider.UrlSource.OUTPUT),
                    "(https://\\S+)",
                    List.of("id.sallyport.test"),
                    new Provider.Callback(List.of(1455), "/callback", true),
                    new Provider.Success(0, "Signed in"),
                    60,
                    List.of(new Provider.Failure("^denied", CauseCode.USER_DENIED))),
            new Provider.Credentials(List.of(new Provider.CredentialFile(
                    "c.json", "0600", Provider.Format.JSONC, List.of("a.*.b"), false))),
            new Provider.HandOver(List.of()),
            new Provider.Status(List.of("demo", "whoami"), 0, "^signed in"),
            List.of("*.sallyport.test"));

    private final AgentJson json = new AgentJson();

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsWrittenIsReadAsItWas() throws Exception {
        var start = new StartSignIn("s-aaaaaaaaaaaaaaaaaaaa", PROVIDER);
        assertThat(json.read(json.write(start), StartSignIn.class)).isEqualTo(start);

        var failed = new SignIn(
                "s-aaaaaaaaaaaaaaaaaaaa",
                7,
                SignInState.FAILED,
                null,
                null,
                1,
                Cause.of(CauseCode.TOOL_FAILED, "It exited with 1.", "a line"),
                null);
        assertThat(json.read(json.write(failed), SignIn.class)).isEqualTo(failed);
    }

    @Test
    void anIdIsATextAndBytesAreBase64() {
        assertThat(new String(json.write(new AskStatus(PROVIDER)), StandardCharsets.UTF_8))
                .contains("\"id\":\"demo\"");
        var set = new CredentialSet("demo", List.of(new CredentialSet.File("c", "0600", bytes("secret"))));
        assertThat(new String(json.write(set), StandardCharsets.UTF_8)).contains("\"content\":\"c2VjcmV0\"");
    }

    @Test
    void unknownFieldsAreIgnored() throws Exception {
        assertThat(json.read(bytes("{\"paths\":[\"a\"],\"later\":{\"x\":[1]}}"), Written.class))
                .isEqualTo(new Written(List.of("a")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"sessionId\":null,\"version\":1,\"state\":\"STARTING\"}",
                "{\"sessionId\":\"s\",\"version\":1}",
                "{\"sessionId\":\"s\",\"version\":null,\"state\":\"STARTING\"}",
                "{\"sessionId\":\"s\",\"version\":1,\"state\":\"WHAT\"}",
                "{\"sessionId\":\"s\",\"version\":\"x\",\"state\":\"STARTING\"}",
                "{\"sessionId\":\"s\\u0000\",\"version\":1,\"state\":\"STARTING\"}",
                "{\"sessionId\":\"s\\u001b[2J\",\"version\":1,\"state\":\"STARTING\"}",
                "{\"sessionId\":\"s\",\"version\":1,\"state\":\"STARTING\"} {}",
                "{\"sessionId\":\"s\",\"version\":1,\"state\":\"STARTING\",\"cause\":{}}",
                "{\"sessionId\":\"s\",\"version\":1,\"state\":\"STARTING\",\"cause\":{\"code\":\"UNKNOWN\",\"detail\":\"d\",\"evidence\":[null]}}",
            })
    void whatIsNotOfTheContractIsRefused(String text) {
        assertThatThrownBy(() -> json.read(bytes(text), SignIn.class)).isInstanceOf(MalformedJsonException.class);
    }

    @Test
    void aListsNullIsRefused() {
        assertThatThrownBy(() -> json.read(bytes("{\"paths\":[null]}"), Written.class))
                .isInstanceOf(MalformedJsonException.class);
    }

    @Test
    void aMalformedIdIsRefusedWithoutBeingRepeated() {
        String text = new String(json.write(new AskStatus(PROVIDER)), StandardCharsets.UTF_8)
                .replace("\"id\":\"demo\"", "\"id\":\"../etc\"");
        assertThatThrownBy(() -> json.read(bytes(text), AskStatus.class))
                .isInstanceOf(MalformedJsonException.class)
                .hasMessageNotContaining("etc");
    }

    @Test
    void deepNestingIsRefused() {
        String deep = "{\"later\":" + "[".repeat(5000) + "]".repeat(5000) + ",\"paths\":[]}";
        assertThatThrownBy(() -> json.read(bytes(deep), Written.class)).isInstanceOf(MalformedJsonException.class);
    }

    @Test
    void aRefusalDoesNotRepeatTheContent() {
        assertThatThrownBy(() -> json.read(
                        bytes("{\"provider\":\"demo\",\"files\":[{\"path\":\"p\",\"content\":\"top secret!\"}]}"),
                        CredentialSet.class))
                .isInstanceOf(MalformedJsonException.class)
                .hasMessageNotContaining("top");
    }
}
