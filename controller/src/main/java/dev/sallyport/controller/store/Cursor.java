package dev.sallyport.controller.store;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A place in a list that is ordered by time and id, newest first: the last item that was given out. Callers treat it as opaque. */
record Cursor(Instant at, String id) {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,18})\\.([a-z2-7-]{1,40})");
    private static final int MOST_ITEMS = 500;

    /** The place before everything that {@code text} was given for; null begins at the newest. */
    static @Nullable Cursor parse(@Nullable String text) {
        if (text == null) {
            return null;
        }
        String plain;
        try {
            plain = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII);
        } catch (IllegalArgumentException e) {
            plain = "";
        }
        Matcher matcher = FORM.matcher(plain);
        if (!matcher.matches()) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The cursor is not one that a list has given.");
        }
        return new Cursor(Instant.EPOCH.plus(Long.parseLong(matcher.group(1)), ChronoUnit.MICROS), matcher.group(2));
    }

    String text() {
        String plain = ChronoUnit.MICROS.between(Instant.EPOCH, at) + "." + id;
        return Base64.getUrlEncoder().withoutPadding().encodeToString(plain.getBytes(StandardCharsets.US_ASCII));
    }

    /** Bounds what a caller may ask for at once. */
    static int limit(int wanted) {
        if (wanted < 1) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The limit must be at least 1.");
        }
        return Math.min(wanted, MOST_ITEMS);
    }

    /** The page of {@code rows}, which were read with a limit one higher, to see whether something follows. */
    static <T> Page<T> page(List<T> rows, int limit, Function<T, Cursor> place) {
        if (rows.size() <= limit) {
            return new Page<>(rows, null);
        }
        List<T> items = rows.subList(0, limit);
        return new Page<>(items, place.apply(items.getLast()).text());
    }
}
