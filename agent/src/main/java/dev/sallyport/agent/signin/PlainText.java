package dev.sallyport.agent.signin;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns what a program writes to a terminal into plain text (ECMA-48): control sequences go, those that move the cursor to
 * another place become line ends, so that what they part is not read as one word, and the target of an OSC 8 link goes in
 * favour of its text. Counts the cursor position queries ({@code ESC [ 6 n}) that a terminal would answer.
 */
final class PlainText {
    private enum In {
        TEXT,
        ESCAPE,
        CONTROL_SEQUENCE,
        STRING,
        STRING_ESCAPE
    }

    private static final char ESC = '\u001b';
    private static final char BEL = '\u0007';

    /** Sequences end within this many characters, or are none. */
    private static final int MAX_SEQUENCE = 256;

    /** Final bytes of sequences that leave the cursor where it is. */
    private static final String STAYING = "mhlncqtupsr";

    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final StringBuilder parameters = new StringBuilder();
    private ByteBuffer undecoded = ByteBuffer.allocate(0);
    private In in = In.TEXT;
    private boolean afterReturn;
    private int queries;

    /** The text of the next piece of output. A character or sequence that is cut off waits for the next piece. */
    String next(byte[] bytes, int length) {
        ByteBuffer input = ByteBuffer.allocate(undecoded.remaining() + length)
                .put(undecoded)
                .put(bytes, 0, length)
                .flip();
        CharBuffer characters = CharBuffer.allocate(input.remaining() + 1);
        decoder.decode(input, characters, false);
        undecoded = input;
        characters.flip();
        var text = new StringBuilder(characters.length());
        while (characters.hasRemaining()) {
            take(characters.get(), text);
        }
        return text.toString();
    }

    /** How many cursor position queries came since this was last asked. */
    int takeQueries() {
        int taken = queries;
        queries = 0;
        return taken;
    }

    private void take(char c, StringBuilder text) {
        switch (in) {
            case TEXT -> takeText(c, text);
            case ESCAPE -> {
                parameters.setLength(0);
                in = switch (c) {
                    case '[' -> In.CONTROL_SEQUENCE;
                    // OSC, DCS, SOS, PM and APC carry a string up to ST or BEL.
                    case ']', 'P', 'X', '^', '_' -> In.STRING;
                    default -> In.TEXT;
                };
            }
            case CONTROL_SEQUENCE -> {
                if (c >= '@' && c <= '~') {
                    endSequence(c, text);
                } else {
                    lengthen(c);
                }
            }
            case STRING -> {
                if (c == ESC) {
                    in = In.STRING_ESCAPE;
                } else if (c == BEL) {
                    in = In.TEXT;
                }
            }
            case STRING_ESCAPE -> in = c == '\\' ? In.TEXT : In.STRING;
        }
    }

    private void takeText(char c, StringBuilder text) {
        if (afterReturn && c != '\n') {
            text.append('\n');
        }
        afterReturn = c == '\r';
        if (c == ESC) {
            in = In.ESCAPE;
        } else if (c == '\n' || c == '\t' || !Character.isISOControl(c)) {
            text.append(c);
        }
    }

    private void endSequence(char last, StringBuilder text) {
        in = In.TEXT;
        if (last == 'n' && parameters.toString().equals("6")) {
            queries++;
        } else if (last == 'C') {
            text.append(' ');
        } else if (STAYING.indexOf(last) < 0) {
            text.append('\n');
        }
    }

    private void lengthen(char c) {
        parameters.append(c);
        if (parameters.length() > MAX_SEQUENCE) {
            in = In.TEXT;
        }
    }
}
