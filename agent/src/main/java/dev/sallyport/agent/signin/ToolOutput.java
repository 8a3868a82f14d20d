package dev.sallyport.agent.signin;

import dev.sallyport.agent.linux.OutputListener;
import dev.sallyport.model.Cause;
import dev.sallyport.provider.Provider;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a tool has said: the end of it as plain text, and which of the awaited patterns it has matched. */
public final class ToolOutput implements OutputListener {
    /** Most characters of text kept. */
    private static final int MAX_TEXT = 64 * 1024;

    private final PlainText plain = new PlainText();
    private final StringBuilder text = new StringBuilder();
    private final Optional<Pattern> urlPattern;
    private final Optional<Pattern> successPattern;
    private final Optional<Pattern> endPattern;
    private final Listener listener;
    private Optional<String> url = Optional.empty();
    private boolean urlCutOff;
    private boolean success;
    private boolean end;

    /** Told after each piece of output, by the thread that reads it. */
    @FunctionalInterface
    public interface Listener {
        /** {@code queries} cursor position queries were in the piece. */
        void changed(int queries);
    }

    /**
     * An output of nothing yet. An empty expression is not looked for; the first group of {@code urlPattern}, or all of it
     * when it has none, is the URL.
     */
    public ToolOutput(String urlPattern, String successPattern, String endPattern, Listener listener) {
        this.urlPattern = pattern(urlPattern);
        this.successPattern = pattern(successPattern);
        this.endPattern = pattern(endPattern);
        this.listener = listener;
        success = successPattern.isEmpty();
    }

    private static Optional<Pattern> pattern(String expression) {
        return expression.isEmpty() ? Optional.empty() : Optional.of(Provider.pattern(expression));
    }

    @Override
    public void output(byte[] bytes, int length) {
        int queries;
        synchronized (this) {
            text.append(plain.next(bytes, length));
            if (text.length() > MAX_TEXT) {
                text.delete(0, text.length() - MAX_TEXT);
            }
            match();
            queries = plain.takeQueries();
        }
        listener.changed(queries);
    }

    private void match() {
        success = success || successPattern.orElseThrow().matcher(text).find();
        end = end || endPattern.map(pattern -> pattern.matcher(text).find()).orElse(false);
        if (urlPattern.isPresent() && (url.isEmpty() || urlCutOff)) {
            Matcher matcher = urlPattern.get().matcher(text);
            if (matcher.find()) {
                url = Optional.ofNullable(matcher.groupCount() > 0 ? matcher.group(1) : matcher.group());
                // A match that ran into the end of what has come may go on in the next piece.
                urlCutOff = matcher.end() == text.length();
            }
        }
    }

    /** The printed URL. */
    public synchronized Optional<String> url() {
        return url;
    }

    /** Whether the printed URL is followed by something, and so is whole. */
    public synchronized boolean urlIsWhole() {
        return url.isPresent() && !urlCutOff;
    }

    /** Whether the text that tells success has come; true when there is none. */
    public synchronized boolean saidSuccess() {
        return success;
    }

    /** Whether the text after which the input is ended has come. */
    public synchronized boolean saidEnd() {
        return end;
    }

    /** The last lines that are not blank, as evidence: at most {@value Cause#MAX_EVIDENCE}, without queries and tokens. */
    public synchronized List<String> lastLines() {
        List<String> lines = text.toString().lines().filter(line -> !line.isBlank()).toList();
        return lines.subList(Math.max(0, lines.size() - Cause.MAX_EVIDENCE), lines.size()).stream()
                .map(Redaction::of)
                .toList();
    }

    /** All text kept. */
    public synchronized String text() {
        return text.toString();
    }
}
