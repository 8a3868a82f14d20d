package dev.sallyport.acceptance.standin;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One identity provider with one registered tool: authorization code with PKCE (RFC 6749, RFC 7636), refresh tokens that rotate
 * and whose reuse ends the sign-in (RFC 9700, section 4.14.2), revocation (RFC 7009), who-is (OpenID Connect Core, section 5.3).
 * Everything is kept in memory. Safe for several threads.
 */
final class OAuthServer {
    /** Long, because an emulated machine may be very slow. */
    private static final Duration CODE_LIFE = Duration.ofMinutes(15);

    private static final int MAX_KEPT = 10_000;

    /**
     * The tool that is registered.
     *
     * @param id its client id
     * @param name for people
     * @param redirect which redirect URIs it may use
     */
    record Client(String id, String name, Predicate<URI> redirect) {}

    private record Request(String redirectUri, String state, String challenge) {}

    private record Code(Grant grant, String redirectUri, String challenge, Instant expires, boolean spent) {}

    /** All tokens of one approval; ended as one. */
    private static final class Grant {
        private boolean ended;
    }

    private record Token(Grant grant, Instant expires, boolean spent) {}

    private final String host;
    private final Client client;
    private final Account account;
    private final TokenStyle style;
    private final Ledger ledger;
    private final Map<String, Request> tickets = bounded();
    private final Map<String, Code> codes = bounded();
    private final Map<String, Token> refreshTokens = bounded();
    private final Map<String, Token> accessTokens = bounded();
    private Duration accessLife = Duration.ofHours(1);

    OAuthServer(String host, Client client, Account account, TokenStyle style, Ledger ledger) {
        this.host = host;
        this.client = client;
        this.account = account;
        this.style = style;
        this.ledger = ledger;
    }

    private static <V> Map<String, V> bounded() {
        return new LinkedHashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
                return size() > MAX_KEPT;
            }
        };
    }

    /** How long access tokens live from now on. */
    synchronized void accessLife(Duration life) {
        accessLife = life;
    }

    /** Ends all access tokens, as time would; refresh tokens stay. */
    synchronized void expireAccessTokens() {
        accessTokens.replaceAll((text, token) -> new Token(token.grant(), Instant.EPOCH, token.spent()));
    }

    /** {@code GET /oauth/authorize}. */
    synchronized Answer authorize(Map<String, String> query) {
        String redirectUri = query.getOrDefault("redirect_uri", "");
        if (!client.id().equals(query.get("client_id"))) {
            return ApprovalPage.wrong(400, "The tool is not registered here.");
        }
        URI redirect = uri(redirectUri);
        if (redirect == null || !client.redirect().test(redirect)) {
            return ApprovalPage.wrong(400, "The tool asks to come back to an address that is not registered.");
        }
        String state = query.getOrDefault("state", "");
        if (!"code".equals(query.get("response_type"))) {
            return back(redirectUri, Map.of("error", "unsupported_response_type", "state", state));
        }
        String challenge = query.getOrDefault("code_challenge", "");
        if (!"S256".equals(query.get("code_challenge_method")) || challenge.length() != 43 || state.isEmpty()) {
            return back(redirectUri, Map.of("error", "invalid_request", "state", state));
        }
        String ticket = ledger.secret("ticket-");
        tickets.put(ticket, new Request(redirectUri, state, challenge));
        List<String> scopes = List.of(query.getOrDefault("scope", "openid").split(" +"));
        return ApprovalPage.ask(host, client.name(), account, scopes, ticket);
    }

    /** {@code POST /oauth/decide}: the approval page's form. A ticket serves once. */
    synchronized Answer decide(Map<String, String> form) {
        Request request = tickets.remove(form.getOrDefault("ticket", ""));
        if (request == null) {
            return ApprovalPage.wrong(400, "This page was used already. Start the sign-in again.");
        }
        if (ledger.has(Fault.DENIED) || !"approve".equals(form.get("decision"))) {
            return back(request.redirectUri(), Map.of("error", "access_denied", "state", request.state()));
        }
        String code = ledger.secret("code-");
        codes.put(
                code,
                new Code(
                        new Grant(),
                        request.redirectUri(),
                        request.challenge(),
                        Instant.now().plus(CODE_LIFE),
                        false));
        Map<String, String> answer = new LinkedHashMap<>();
        answer.put("code", code);
        answer.put("state", request.state());
        return back(request.redirectUri(), answer);
    }

    /** {@code POST /oauth/token} for a code or a refresh token. */
    synchronized Answer token(Map<String, String> form) {
        if (!client.id().equals(form.get("client_id"))) {
            return Answer.error(401, "invalid_client", "The tool is not registered here.");
        }
        if (ledger.has(Fault.TOKENS_REFUSED)) {
            return Answer.error(400, "invalid_grant", "The stand-in was told to refuse.");
        }
        return switch (form.getOrDefault("grant_type", "")) {
            case "authorization_code" -> tokenForCode(form);
            case "refresh_token" -> tokenForRefresh(form.getOrDefault("refresh_token", ""));
            default -> Answer.error(400, "unsupported_grant_type", "Only codes and refresh tokens are taken.");
        };
    }

    private Answer tokenForCode(Map<String, String> form) {
        String text = form.getOrDefault("code", "");
        Code code = codes.get(text);
        if (code == null) {
            return Answer.error(400, "invalid_grant", "The code is not known.");
        }
        if (code.spent()) {
            code.grant().ended = true;
            return Answer.error(400, "invalid_grant", "The code was used before.");
        }
        if (Instant.now().isAfter(code.expires()) || !code.redirectUri().equals(form.get("redirect_uri"))) {
            return Answer.error(400, "invalid_grant", "The code is too old, or not for this redirect URI.");
        }
        if (!challenge(form.getOrDefault("code_verifier", "")).equals(code.challenge())) {
            return Answer.error(400, "invalid_grant", "The code verifier does not match.");
        }
        codes.put(text, new Code(code.grant(), code.redirectUri(), code.challenge(), code.expires(), true));
        return issue(code.grant());
    }

    private Answer tokenForRefresh(String text) {
        Token token = refreshTokens.get(text);
        if (token == null || token.grant().ended) {
            return Answer.error(400, "invalid_grant", "The refresh token is not known, or its sign-in has ended.");
        }
        if (token.spent()) {
            token.grant().ended = true;
            return Answer.error(400, "invalid_grant", "The refresh token was used before: the sign-in has ended.");
        }
        refreshTokens.put(text, new Token(token.grant(), token.expires(), true));
        return issue(token.grant());
    }

    private Answer issue(Grant grant) {
        Instant expires = Instant.now().plus(accessLife);
        String access = style.accessToken(account, expires);
        String refresh = style.refreshToken();
        accessTokens.put(access, new Token(grant, expires, false));
        refreshTokens.put(refresh, new Token(grant, Instant.MAX, false));
        Map<String, Object> answer = new HashMap<>(style.more(account, expires));
        answer.put("access_token", access);
        answer.put("refresh_token", refresh);
        answer.put("token_type", "Bearer");
        answer.put("expires_in", Math.max(1, accessLife.toSeconds()));
        return Answer.json(200, answer);
    }

    /** {@code POST /oauth/revoke}: ends the sign-in that the token belongs to. */
    synchronized Answer revoke(Map<String, String> form) {
        String text = form.getOrDefault("token", "");
        Token token = refreshTokens.getOrDefault(text, accessTokens.get(text));
        if (token != null) {
            token.grant().ended = true;
        }
        return Answer.json(200, Map.of());
    }

    /** {@code GET /userinfo}. */
    synchronized Answer userinfo(@Nullable String authorization) {
        Token token = authorization != null && authorization.startsWith("Bearer ")
                ? accessTokens.get(authorization.substring("Bearer ".length()))
                : null;
        if (token == null || token.grant().ended || Instant.now().isAfter(token.expires())) {
            return Answer.error(401, "invalid_token", "The access token is not valid (any more).");
        }
        return Answer.json(200, Map.of("sub", account.subject(), "name", account.name(), "email", account.email()));
    }

    private static @Nullable URI uri(String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            return null; // Not a URI: refused by the caller, as one that is not registered.
        }
    }

    private static Answer back(String redirectUri, Map<String, String> parameters) {
        var location = new StringBuilder(redirectUri);
        char separator = redirectUri.indexOf('?') >= 0 ? '&' : '?';
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            location.append(separator)
                    .append(parameter.getKey())
                    .append('=')
                    .append(URLEncoder.encode(parameter.getValue(), StandardCharsets.UTF_8));
            separator = '&';
        }
        return Answer.redirect(location.toString());
    }

    private static String challenge(String verifier) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
