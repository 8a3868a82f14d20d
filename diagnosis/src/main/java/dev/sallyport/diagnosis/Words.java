package dev.sallyport.diagnosis;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One line of the guest's last words.
 *
 * @param kind its first word
 * @param fields the words after it
 * @param rest the text after the first word
 * @param proof the line
 */
record Words(String kind, List<String> fields, String rest, Proof proof) {
    /** The field {@code index}, from 0; empty when the line is shorter. */
    String field(int index) {
        return index < fields.size() ? fields.get(index) : "";
    }

    /** The last value of a field {@code KEY=VALUE}; empty when there is none. */
    String value(String key) {
        for (String field : fields.reversed()) {
            if (field.startsWith(key + "=")) {
                return field.substring(key.length() + 1);
            }
        }
        return "";
    }

    /** This line with the fields of a later one about the same thing; its proof is the one that says more. */
    Words and(Words later) {
        var both = new ArrayList<>(fields);
        both.addAll(later.fields);
        return new Words(kind, List.copyOf(both), rest, later.fields.size() > fields.size() ? later.proof : proof);
    }

    /** The value as a number; -1 when it is none. */
    int number(String key) {
        return (int) number(value(key), Integer.MAX_VALUE);
    }

    /** The field as a number; -1 when it is none. */
    long number(int index) {
        return number(field(index), Long.MAX_VALUE);
    }

    /** Whether the field has that value, in whatever case. */
    boolean is(int index, String value) {
        return field(index).toLowerCase(Locale.ROOT).equals(value);
    }

    private static long number(String text, long most) {
        return text.matches("\\d{1,18}") ? Math.min(Long.parseLong(text), most) : -1;
    }
}
