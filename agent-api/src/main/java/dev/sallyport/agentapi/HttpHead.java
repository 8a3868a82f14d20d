package dev.sallyport.agentapi;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The head of an answer, read byte by byte so that nothing after it is taken.
 *
 * @param status the HTTP status
 * @param headers by name in lower case
 */
record HttpHead(int status, Map<String, String> headers) {
    /** Most bytes of a head. */
    private static final int MAX_HEAD = 16 * 1024;

    private static final Pattern STATUS_LINE = Pattern.compile("HTTP/1\\.[01] ([1-5]\\d\\d)(?: .*)?");
    private static final Pattern LINE_END = Pattern.compile("\r?\n");
    private static final Pattern LENGTH = Pattern.compile("\\d{1,12}");

    /** Gives one byte, or -1 at the end. */
    @FunctionalInterface
    interface Source {
        int next() throws IOException;
    }

    /**
     * Reads a head.
     *
     * @throws IOException when the connection breaks or ends before anything came
     * @throws dev.sallyport.model.FailureException AGENT_WRONG when it is none
     */
    static HttpHead read(Source source) throws IOException {
        var bytes = new ByteArrayOutputStream();
        int lineFeeds = 0;
        while (lineFeeds < 2) {
            int b = source.next();
            if (b < 0) {
                if (bytes.size() == 0) {
                    throw new IOException("the connection was closed without a word");
                }
                throw AgentHttp.wrong("its answer's head ends too early");
            }
            if (b == '\n') {
                lineFeeds++;
            } else if (b != '\r') {
                lineFeeds = 0;
            }
            bytes.write(b);
            if (bytes.size() > MAX_HEAD) {
                throw AgentHttp.wrong("its answer's head is longer than " + MAX_HEAD + " bytes");
            }
        }
        String[] lines = LINE_END.split(bytes.toString(StandardCharsets.ISO_8859_1), -1);
        Matcher statusLine = STATUS_LINE.matcher(lines[0]);
        if (!statusLine.matches()) {
            throw AgentHttp.wrong("it does not speak HTTP/1");
        }
        Map<String, String> headers = new TreeMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                headers.put(
                        lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
                        lines[i].substring(colon + 1).strip());
            }
        }
        return new HttpHead(Integer.parseInt(statusLine.group(1)), headers);
    }

    /** The length of the body that follows; -1 when it is not said. */
    long contentLength() {
        if (headers.containsKey("transfer-encoding")) {
            throw AgentHttp.wrong("it sends its answer in chunks");
        }
        String length = headers.get("content-length");
        if (length == null) {
            return -1;
        }
        if (!LENGTH.matcher(length).matches()) {
            throw AgentHttp.wrong("its answer has no proper length");
        }
        return Long.parseLong(length);
    }
}
