package dev.sallyport.agent;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The certificate authorities that the machine's programs trust: the system's, and those of the machine's facts. */
public final class Authorities {
    private static final Pattern CERTIFICATE =
            Pattern.compile("-----BEGIN CERTIFICATE-----\\s*([A-Za-z0-9+/=\\s]+?)-----END CERTIFICATE-----");

    private final Path bundle;
    private final Path extras;
    private final List<String> certificates;

    private Authorities(Path bundle, Path extras, List<String> certificates) {
        this.bundle = bundle;
        this.extras = extras;
        this.certificates = certificates;
    }

    /**
     * Writes the bundle.
     *
     * @throws IOException when it cannot be written
     * @throws IllegalArgumentException when the facts' authorities are no base64
     */
    public static Authorities write(Settings settings, Facts facts) throws IOException {
        String extra =
                new String(Base64.getMimeDecoder().decode(facts.caCertificates()), StandardCharsets.US_ASCII);
        Files.createDirectories(settings.run());
        Path bundle = settings.run().resolve("ca-bundle.pem");
        Path extras = settings.run().resolve("ca-extra.pem");
        byte[] system = Files.exists(settings.caBundle()) ? Files.readAllBytes(settings.caBundle()) : new byte[0];
        try (var out = Files.newOutputStream(bundle)) {
            new ByteArrayInputStream(system).transferTo(out);
            out.write(('\n' + extra).getBytes(StandardCharsets.US_ASCII));
        }
        Files.writeString(extras, extra);
        var certificates = new ArrayList<String>();
        Matcher matcher = CERTIFICATE.matcher(extra);
        while (matcher.find()) {
            certificates.add(matcher.group(1).replaceAll("\\s", ""));
        }
        return new Authorities(bundle, extras, List.copyOf(certificates));
    }

    /** All of them, as one PEM file. */
    public Path bundle() {
        return bundle;
    }

    /** The further ones, each as its DER in base64. */
    public List<String> certificates() {
        return certificates;
    }

    /**
     * What makes tools trust them. Node.js has the usual ones built in, and reads what it is given at every start: so it is
     * given the further ones alone.
     */
    public Map<String, String> environment() {
        var environment = new TreeMap<String, String>();
        environment.put("SSL_CERT_FILE", bundle.toString());
        environment.put("CODEX_CA_CERTIFICATE", bundle.toString());
        if (!certificates.isEmpty()) {
            environment.put("NODE_EXTRA_CA_CERTS", extras.toString());
        }
        return environment;
    }
}
