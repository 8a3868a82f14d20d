package dev.sallyport.acceptance.standin;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.SizeLimitHandler;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * The identity providers of the demo tool ({@code id.sallyport.test}) and of Codex ({@code auth.openai.com}), played on
 * loopback. Tools reach them by {@link #proxy()} and trust them by {@link #caPem()}. One object is one world of its own;
 * {@link #close()} ends it.
 */
public final class StandInVendors implements AutoCloseable {
    /** The colour of the approving button, which is nowhere else on the page: a rectangle of at least 400 by 70 pixels. */
    public static final String APPROVE_COLOUR = "#0B6E4F";
    /** The demo tool's identity provider. */
    public static final String DEMO_HOST = "id.sallyport.test";
    /** Codex's identity provider. */
    public static final String OPENAI_HOST = "auth.openai.com";
    /** The demo tool's client id. */
    public static final String DEMO_CLIENT = "demo-cli";
    /** Codex's client id, which is public and built into it. */
    public static final String CODEX_CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann";
    /** Who is signed in. */
    public static final Account ACCOUNT = new Account("test-account-1", "Test Account", "account@sallyport.test");

    /** The last two play no part, but are there: a tool that calls them gets a plain 404 rather than a dead line. */
    private static final List<String> HOSTS = List.of(DEMO_HOST, OPENAI_HOST, "chatgpt.com", "api.openai.com");

    private static final int MAX_BODY = 65_536;

    private final Ledger ledger;
    private final TestAuthority authority;
    private final Map<String, OAuthServer> identityProviders;
    private final Server vendors;
    private final Server proxyServer;
    private final StandInProxy proxy;
    private final InetSocketAddress proxyAddress;

    private StandInVendors(
            Ledger ledger,
            TestAuthority authority,
            Map<String, OAuthServer> identityProviders,
            Server vendors,
            Server proxyServer,
            StandInProxy proxy,
            InetSocketAddress proxyAddress) {
        this.ledger = ledger;
        this.authority = authority;
        this.identityProviders = identityProviders;
        this.vendors = vendors;
        this.proxyServer = proxyServer;
        this.proxy = proxy;
        this.proxyAddress = proxyAddress;
    }

    /**
     * Starts the stand-ins on free loopback ports.
     *
     * @param kept where their certificate is kept, so that the next ones have the same
     * @throws IOException when it cannot be
     * @throws IllegalStateException when they cannot listen
     */
    public static StandInVendors start(Path kept) throws IOException {
        return start(TestAuthority.kept(kept, HOSTS));
    }

    /**
     * Starts the stand-ins on free loopback ports, with a certificate of their own.
     *
     * @throws IllegalStateException when they cannot listen
     */
    public static StandInVendors start() {
        return start(new TestAuthority(HOSTS));
    }

    private static StandInVendors start(TestAuthority authority) {
        var ledger = new Ledger();
        Map<String, OAuthServer> identityProviders = Map.of(
                DEMO_HOST,
                new OAuthServer(
                        DEMO_HOST,
                        new OAuthServer.Client(DEMO_CLIENT, "Demo", StandInVendors::isDemoRedirect),
                        ACCOUNT,
                        TokenStyle.opaque(ledger),
                        ledger),
                OPENAI_HOST,
                new OAuthServer(
                        OPENAI_HOST,
                        new OAuthServer.Client(CODEX_CLIENT, "Codex", StandInVendors::isCodexRedirect),
                        ACCOUNT,
                        TokenStyle.openAi(ledger, new Jwt()),
                        ledger));

        Server vendors = server("stand-in-vendors");
        var connector = new ServerConnector(vendors, 1, 1, tls(authority.keyStore()), http());
        var limit = new SizeLimitHandler(MAX_BODY, -1);
        limit.setHandler(new VendorHandler(identityProviders, ledger));
        listen(vendors, connector, limit);

        var proxy = new StandInProxy(
                Set.copyOf(HOSTS),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), connector.getLocalPort()),
                ledger);
        Server proxyServer = server("stand-in-proxy");
        var proxyConnector = new ServerConnector(proxyServer, 1, 1, http());
        try {
            listen(proxyServer, proxyConnector, proxy);
        } catch (IllegalStateException e) {
            stop(vendors, e);
            throw e;
        }
        return new StandInVendors(
                ledger,
                authority,
                identityProviders,
                vendors,
                proxyServer,
                proxy,
                new InetSocketAddress(InetAddress.getLoopbackAddress(), proxyConnector.getLocalPort()));
    }

    private static Server server(String name) {
        var threads = new QueuedThreadPool(16, 2);
        threads.setName(name);
        threads.setDaemon(true);
        return new Server(threads);
    }

    private static SslConnectionFactory tls(KeyStore keyStore) {
        var context = new SslContextFactory.Server();
        context.setKeyStore(keyStore);
        context.setKeyStorePassword("");
        context.setSniRequired(true);
        return new SslConnectionFactory(context, "http/1.1");
    }

    private static HttpConnectionFactory http() {
        var http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.addCustomizer(new SecureRequestCustomizer());
        return new HttpConnectionFactory(http);
    }

    private static void listen(Server server, ServerConnector connector, Handler handler) {
        connector.setHost(InetAddress.getLoopbackAddress().getHostAddress());
        server.addConnector(connector);
        server.setHandler(handler);
        try {
            server.start();
        } catch (Exception e) {
            var failure = new IllegalStateException("a stand-in cannot start", e);
            stop(server, failure);
            throw failure;
        }
    }

    private static void stop(Server server, Exception failure) {
        try {
            server.stop();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    /** Any port, as RFC 8252, section 7.3, demands of an identity provider. */
    private static boolean isDemoRedirect(URI uri) {
        return "http".equals(uri.getScheme())
                && "127.0.0.1".equals(uri.getHost())
                && uri.getPort() > 0
                && "/callback".equals(uri.getPath());
    }

    private static boolean isCodexRedirect(URI uri) {
        return "http".equals(uri.getScheme())
                && ("127.0.0.1".equals(uri.getHost()) || "localhost".equals(uri.getHost()))
                && (uri.getPort() == 1455 || uri.getPort() == 1457)
                && "/auth/callback".equals(uri.getPath());
    }

    /** The proxy, on loopback: takes CONNECT to port 443 of the stand-in hosts, and answers anything else 502. */
    public InetSocketAddress proxy() {
        return proxyAddress;
    }

    /** The certificate to trust, in PEM. */
    public String caPem() {
        return authority.pem();
    }

    /** The certificate to trust. */
    public X509Certificate caCertificate() {
        return authority.certificate();
    }

    /** Every secret handed out so far: approval tickets, codes, access, refresh and id tokens. For looking for leaks. */
    public List<String> issuedSecrets() {
        return ledger.secrets();
    }

    /** How often each thing was asked for: {@code GET id.sallyport.test/userinfo}, {@code CONNECT auth.openai.com:443}. */
    public Map<String, Integer> requests() {
        return ledger.requests();
    }

    /** How often {@code request} was asked for, in the form of {@link #requests()}. */
    public int count(String request) {
        return ledger.requests().getOrDefault(request, 0);
    }

    /** What the proxy was asked for and is none of the stand-in hosts: {@code HOST:PORT}, in order. */
    public List<String> refused() {
        return proxy.refused();
    }

    /** Switches a fault on or off. */
    public void fault(Fault fault, boolean on) {
        ledger.set(fault, on);
    }

    /** How long access tokens live that are issued from now on; an hour at first. */
    public void accessTokenLife(Duration life) {
        identityProviders.values().forEach(server -> server.accessLife(life));
    }

    /** Makes the identity providers refuse all access tokens issued so far, as if their time were over. */
    public void expireAccessTokens() {
        identityProviders.values().forEach(OAuthServer::expireAccessTokens);
    }

    @Override
    public void close() {
        var failures = new IllegalStateException("a stand-in does not stop");
        stop(proxyServer, failures);
        stop(vendors, failures);
        if (failures.getSuppressed().length > 0) {
            throw failures;
        }
    }
}
