package dev.sallyport.acceptance.standin;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority for tests, and one certificate of it for all stand-in hosts (RFC 5280; EC P-256). Its private
 * key is used once and forgotten; the hosts' may be kept for some days, as templates of machines hold the authority.
 */
final class TestAuthority {
    private static final int DAYS = 7;
    private static final String ALIAS = "hosts";
    private static final char[] NO_PASSWORD = {};

    private final X509Certificate certificate;
    private final KeyStore keyStore;

    /** @param hosts the names that the certificate is for */
    TestAuthority(List<String> hosts) {
        try {
            KeyPair authorityKeys = keys();
            KeyPair hostKeys = keys();
            var authorityName = new X500Name("CN=Sallyport test authority,O=Sallyport");
            var extensions = new JcaX509ExtensionUtils();

            JcaX509v3CertificateBuilder authority = builder(authorityName, authorityName, authorityKeys);
            authority.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
            authority.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
            authority.addExtension(
                    Extension.subjectKeyIdentifier,
                    false,
                    extensions.createSubjectKeyIdentifier(authorityKeys.getPublic()));
            certificate = sign(authority, authorityKeys);

            JcaX509v3CertificateBuilder leaf = builder(authorityName, new X500Name("CN=" + hosts.getFirst()), hostKeys);
            leaf.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
            leaf.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
            leaf.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
            leaf.addExtension(
                    Extension.authorityKeyIdentifier, false, extensions.createAuthorityKeyIdentifier(certificate));
            leaf.addExtension(
                    Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(hostKeys.getPublic()));
            leaf.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(hosts.stream()
                            .map(host -> new GeneralName(GeneralName.dNSName, host))
                            .toArray(GeneralName[]::new)));

            keyStore = KeyStore.getInstance("PKCS12");
            keyStore.load(null, null);
            keyStore.setKeyEntry(ALIAS, hostKeys.getPrivate(), NO_PASSWORD, new X509Certificate[] {
                sign(leaf, authorityKeys), certificate
            });
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new IllegalStateException("cannot make the test certificates", e);
        }
    }

    private TestAuthority(KeyStore kept) throws GeneralSecurityException {
        keyStore = kept;
        certificate = (X509Certificate) kept.getCertificateChain(ALIAS)[1];
    }

    /**
     * The one that was kept in {@code file}, or a fresh one that is kept there, where its owner alone can read it.
     *
     * @throws IOException when it cannot be read or written
     */
    static TestAuthority kept(Path file, List<String> hosts) throws IOException {
        if (Files.exists(file)) {
            try (InputStream in = Files.newInputStream(file)) {
                KeyStore store = KeyStore.getInstance("PKCS12");
                store.load(in, NO_PASSWORD);
                var kept = new TestAuthority(store);
                if (kept.serves(hosts)) {
                    return kept;
                }
            } catch (GeneralSecurityException e) {
                throw new IOException(file + " is no key store of ours; remove it", e);
            }
        }
        var fresh = new TestAuthority(hosts);
        Path unfinished = Files.createTempFile(Files.createDirectories(file.getParent()), "authority", ".unfinished");
        try (OutputStream out = Files.newOutputStream(unfinished)) {
            fresh.keyStore.store(out, NO_PASSWORD);
        } catch (GeneralSecurityException e) {
            throw new IOException("the key store cannot be written", e);
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        return fresh;
    }

    /** For a day at least. */
    private boolean serves(List<String> hosts) throws GeneralSecurityException {
        var leaf = (X509Certificate) keyStore.getCertificate(ALIAS);
        List<String> names = leaf.getSubjectAlternativeNames().stream()
                .map(name -> String.valueOf(name.get(1)))
                .toList();
        return names.equals(hosts)
                && leaf.getNotAfter().toInstant().isAfter(Instant.now().plus(1, ChronoUnit.DAYS));
    }

    private static KeyPair keys() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    private static JcaX509v3CertificateBuilder builder(X500Name issuer, X500Name subject, KeyPair keys) {
        Instant now = Instant.now();
        // A day back: machines' clocks may be behind.
        return new JcaX509v3CertificateBuilder(
                issuer,
                new BigInteger(120, new SecureRandom()),
                Date.from(now.minus(1, ChronoUnit.DAYS)),
                Date.from(now.plus(DAYS, ChronoUnit.DAYS)),
                subject,
                keys.getPublic());
    }

    private static X509Certificate sign(JcaX509v3CertificateBuilder builder, KeyPair authorityKeys)
            throws OperatorCreationException, GeneralSecurityException {
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(
                        new JcaContentSignerBuilder("SHA256withECDSA").build(authorityKeys.getPrivate())));
    }

    /** The authority's certificate. */
    X509Certificate certificate() {
        return certificate;
    }

    /** The authority's certificate in PEM (RFC 7468). */
    String pem() {
        var text = new StringWriter();
        try (var writer = new JcaPEMWriter(text)) {
            writer.writeObject(certificate);
        } catch (IOException e) {
            throw new IllegalStateException("a string cannot fail to be written", e);
        }
        return text.toString();
    }

    /** The hosts' private key and chain, under an empty password. */
    KeyStore keyStore() {
        return keyStore;
    }
}
