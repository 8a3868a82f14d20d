package dev.sallyport.acceptance.standin;

import java.time.Instant;
import java.util.Map;

/** How an identity provider's tokens look. */
interface TokenStyle {
    /** A fresh access token. */
    String accessToken(Account account, Instant expires);

    /** A fresh refresh token. */
    String refreshToken();

    /** What else the token endpoint answers, such as an id token. */
    Map<String, String> more(Account account, Instant expires);

    /** Random texts. */
    static TokenStyle opaque(Ledger ledger) {
        return new TokenStyle() {
            @Override
            public String accessToken(Account account, Instant expires) {
                return ledger.secret("demo-at-");
            }

            @Override
            public String refreshToken() {
                return ledger.secret("demo-rt-");
            }

            @Override
            public Map<String, String> more(Account account, Instant expires) {
                return Map.of();
            }
        };
    }

    /** JSON Web Tokens with the claims that Codex reads. */
    static TokenStyle openAi(Ledger ledger, Jwt jwt) {
        return new TokenStyle() {
            private Map<String, Object> claims(Account account, Instant expires) {
                Map<String, Object> openAi = Map.of(
                        "chatgpt_account_id",
                        "account-" + account.subject(),
                        "chatgpt_user_id",
                        account.subject(),
                        "user_id",
                        account.subject(),
                        "chatgpt_plan_type",
                        "plus",
                        "organization_id",
                        "org-stand-in",
                        "project_id",
                        "proj-stand-in",
                        "completed_platform_onboarding",
                        true,
                        "is_org_owner",
                        true);
                return Map.of(
                        "iss", "https://" + StandInVendors.OPENAI_HOST,
                        "aud", StandInVendors.CODEX_CLIENT,
                        "sub", account.subject(),
                        "jti", ledger.secret("jti-"),
                        "iat", Instant.now().getEpochSecond(),
                        "exp", expires.getEpochSecond(),
                        "email", account.email(),
                        "email_verified", true,
                        "name", account.name(),
                        "https://api.openai.com/auth", openAi);
            }

            @Override
            public String accessToken(Account account, Instant expires) {
                return ledger.keep(jwt.sign(claims(account, expires)));
            }

            @Override
            public String refreshToken() {
                return ledger.secret("rt_");
            }

            @Override
            public Map<String, String> more(Account account, Instant expires) {
                return Map.of("id_token", ledger.keep(jwt.sign(claims(account, expires))));
            }
        };
    }
}
