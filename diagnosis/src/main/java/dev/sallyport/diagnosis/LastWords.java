package dev.sallyport.diagnosis;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the report that the guest writes to its console when its agent does not come up: lines that begin with
 * {@value #PREFIX}, from {@code BEGIN 1 REASON} to {@code END LINES CRC}. Other output may stand between them, and some may be
 * cut or lost: what is there is used line by line, and {@link #whole()} says whether count and checksum agree.
 */
final class LastWords {
    private static final String PREFIX = "sallyport-words: ";
    private static final int MOST_LINES = 80;
    private static final int MOST_FIELDS = 40;

    private List<Words> lines = new ArrayList<>();
    private List<Words> before = List.of();
    private Cksum cksum = new Cksum();
    private String reason = "";
    private @Nullable Proof begin;
    private boolean open;
    private boolean whole;

    /**
     * Takes a line of the console.
     *
     * @return what it says when it is a line of a report between its ends
     */
    Optional<Words> accept(Proof proof) {
        int start = proof.line().indexOf(PREFIX);
        if (start < 0) {
            return Optional.empty();
        }
        String text = proof.line().substring(start + PREFIX.length());
        List<String> fields = List.of(text.strip().split(" +", MOST_FIELDS));
        String kind = fields.getFirst();
        fields = fields.subList(1, fields.size());
        if (kind.equals("BEGIN")) {
            begin(proof, fields.size() > 1 ? fields.get(1) : "");
            return Optional.empty();
        }
        if (kind.equals("END")) {
            end(fields);
            return Optional.empty();
        }
        if (!open && (begin != null || !lines.isEmpty())) {
            return Optional.empty(); // After the end: stray, or a lie.
        }
        if (lines.size() >= MOST_LINES) {
            return Optional.empty();
        }
        open = true;
        cksum.add(text + "\n");
        String rest = text.strip().substring(kind.length()).strip();
        var words = new Words(kind, fields, rest, proof);
        lines.add(words);
        return Optional.of(words);
    }

    private void begin(Proof proof, String why) {
        before = lines;
        lines = new ArrayList<>();
        cksum = new Cksum();
        begin = proof;
        reason = why;
        open = true;
        whole = false;
    }

    private void end(List<String> fields) {
        whole = open
                && begin != null
                && fields.size() >= 2
                && fields.get(0).equals(Integer.toString(lines.size()))
                && fields.get(1).equals(Long.toString(cksum.value()));
        open = false;
    }

    /** Nothing of a report has been seen. */
    boolean none() {
        return begin == null && lines.isEmpty();
    }

    /** A report has begun, and its end has not been seen: the next line may say more. */
    boolean open() {
        return open;
    }

    /** The report has ended, and its count and checksum agree. */
    boolean whole() {
        return whole;
    }

    /** Why it was written, such as {@code unit-failed}; empty when that line was not seen. */
    String reason() {
        return reason;
    }

    /** The report's first line. */
    Optional<Proof> begin() {
        return Optional.ofNullable(begin);
    }

    /** The lines of that kind, in their order; while a report is being written, what it has not come to yet is in the one before. */
    List<Words> all(String kind) {
        List<Words> now = of(lines, kind);
        return now.isEmpty() && open ? of(before, kind) : now;
    }

    private static List<Words> of(List<Words> lines, String kind) {
        return lines.stream().filter(line -> line.kind().equals(kind)).toList();
    }

    /** The first line of that kind about {@code name}. */
    Optional<Words> about(String kind, String name) {
        return all(kind).stream().filter(line -> line.field(0).equals(name)).findFirst();
    }
}
