package dev.sallyport.acceptance.standin;

import java.util.List;

/**
 * The page on which the user approves. It names nothing outside itself, so that a slow browser shows it at once, and its
 * approving button is the only thing on it in {@link StandInVendors#APPROVE_COLOUR}, so that a player who sees pixels alone finds
 * it.
 */
final class ApprovalPage {
    private static final String STYLE = """
            *{box-sizing:border-box}
            body{margin:0;background:#eef0f3;color:#1c2430;font:17px/1.45 'DejaVu Sans',Verdana,sans-serif}
            main{width:520px;max-width:96vw;margin:28px auto;background:#fff;border:1px solid #c9cfd8;padding:26px 34px 30px}
            h1{font-size:25px;line-height:1.25;margin:0 0 12px}
            p{margin:0 0 12px}
            ul{margin:0 0 16px;padding-left:22px}
            .where{color:#5a6472;font-size:15px;margin-bottom:18px}
            .who{background:#f4f5f7;border:1px solid #d9dee5;padding:9px 14px}
            button{display:block;width:100%;height:72px;border:0;border-radius:0;font:bold 22px 'DejaVu Sans',Verdana,sans-serif;cursor:pointer}
            button.yes{background:APPROVE;color:#fff}
            button.no{background:#fff;color:#1c2430;border:1px solid #8a94a3;height:52px;font-weight:normal;font-size:18px;margin-top:14px}
            """.replace("APPROVE", StandInVendors.APPROVE_COLOUR);

    private ApprovalPage() {}

    /**
     * @param host the identity provider, as the page shows it
     * @param tool who asks
     * @param account who is asked
     * @param scopes what for
     * @param ticket what the form gives back
     */
    static Answer ask(String host, String tool, Account account, List<String> scopes, String ticket) {
        var wanted = new StringBuilder();
        scopes.forEach(
                scope -> wanted.append("<li>").append(escape(purpose(scope))).append("</li>"));
        return Answer.page(200, html("Sign in to " + tool, """
                        <p class="where">%s</p>
                        <h1>%s asks to sign you in</h1>
                        <p class="who">%s<br>%s</p>
                        <p>It will be able to:</p>
                        <ul>%s</ul>
                        <form method="post" action="/oauth/decide">
                        <input type="hidden" name="ticket" value="%s">
                        <button class="yes" name="decision" value="approve">Approve</button>
                        <button class="no" name="decision" value="deny">Deny</button>
                        </form>
                        """.formatted(
                escape(host), escape(tool), escape(account.name()), escape(account.email()), wanted, escape(ticket))));
    }

    /** A page that says what is wrong. */
    static Answer wrong(int status, String text) {
        return Answer.page(
                status, html("This cannot be done", "<h1>This cannot be done</h1><p>" + escape(text) + "</p>"));
    }

    private static String purpose(String scope) {
        return switch (scope) {
            case "openid" -> "know that it is you";
            case "profile" -> "see your name";
            case "email" -> "see your e-mail address";
            case "offline_access" -> "stay signed in";
            default -> "use " + scope;
        };
    }

    private static String html(String title, String body) {
        return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escape(title)
                + "</title><link rel=\"icon\" href=\"data:,\"><style>" + STYLE + "</style></head><body><main>" + body
                + "</main></body></html>";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
