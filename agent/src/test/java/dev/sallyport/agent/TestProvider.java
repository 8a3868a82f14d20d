package dev.sallyport.agent;

import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Provider.CredentialFile;
import dev.sallyport.provider.Provider.Format;
import dev.sallyport.provider.Provider.SeedFile;
import dev.sallyport.provider.Provider.Streams;
import dev.sallyport.provider.Provider.UrlSource;
import java.util.List;
import java.util.Map;

/** A provider that is made to measure; the defaults suit a tool that writes {@code auth.json} with a {@code token}. */
public final class TestProvider {
    private List<String> command = List.of("tool", "login");
    private Streams streams = Streams.PIPES;
    private List<String> input = List.of();
    private String closeInputOn = "";
    private List<SeedFile> seeds = List.of();
    private String id = "test";
    private List<UrlSource> urlFrom = List.of(UrlSource.BROWSER_VARIABLE, UrlSource.XDG_OPEN);
    private String urlPattern = "";
    private List<Integer> ports = List.of();
    private boolean pasteCode;
    private String successPattern = "";
    private int urlSeconds = 30;
    private List<Provider.Failure> failures = List.of();
    private List<CredentialFile> files =
            List.of(new CredentialFile("auth.json", "0600", Format.JSON, List.of("token"), false));
    private List<SeedFile> handOver = List.of();
    private List<String> statusCommand = List.of();
    private String statusPattern = "";
    private Map<String, String> environment = Map.of();

    public TestProvider id(String value) {
        id = value;
        return this;
    }

    public TestProvider command(String... words) {
        command = List.of(words);
        return this;
    }

    public TestProvider streams(Streams value) {
        streams = value;
        return this;
    }

    public TestProvider input(String closeOn, String... lines) {
        closeInputOn = closeOn;
        input = List.of(lines);
        return this;
    }

    public TestProvider seeds(SeedFile... values) {
        seeds = List.of(values);
        return this;
    }

    public TestProvider urlFrom(String pattern, UrlSource... sources) {
        urlPattern = pattern;
        urlFrom = List.of(sources);
        return this;
    }

    public TestProvider callback(boolean paste, Integer... values) {
        pasteCode = paste;
        ports = List.of(values);
        return this;
    }

    public TestProvider success(String pattern) {
        successPattern = pattern;
        return this;
    }

    public TestProvider urlSeconds(int value) {
        urlSeconds = value;
        return this;
    }

    public TestProvider failures(Provider.Failure... values) {
        failures = List.of(values);
        return this;
    }

    public TestProvider files(CredentialFile... values) {
        files = List.of(values);
        return this;
    }

    public TestProvider handOver(SeedFile... values) {
        handOver = List.of(values);
        return this;
    }

    public TestProvider status(String pattern, String... words) {
        statusPattern = pattern;
        statusCommand = List.of(words);
        return this;
    }

    public TestProvider environment(String name, String value) {
        environment = Map.of(name, value);
        return this;
    }

    public Provider make() {
        return new Provider(
                new ProviderId(id),
                "Test",
                new Provider.Tool("tool-test", "1"),
                environment,
                new Provider.SignIn(
                        command,
                        streams,
                        input,
                        closeInputOn,
                        seeds,
                        urlFrom,
                        urlPattern,
                        List.of("id.example.test"),
                        new Provider.Callback(ports, "/callback", pasteCode),
                        new Provider.Success(0, successPattern),
                        urlSeconds,
                        failures),
                new Provider.Credentials(files),
                new Provider.HandOver(handOver),
                new Provider.Status(statusCommand, 0, statusPattern),
                List.of());
    }
}
