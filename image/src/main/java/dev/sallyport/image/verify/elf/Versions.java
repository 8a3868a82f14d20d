package dev.sallyport.image.verify.elf;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;

/** Names of symbol versions, such as {@code GLIBC_2.36}. */
final class Versions {
    /** Older ones first, by the numbers behind the last underscore. */
    static final Comparator<String> ORDER = (a, b) -> {
        int[] left = numbers(a);
        int[] right = numbers(b);
        int order = Arrays.compare(left, right);
        return order != 0 ? order : a.compareTo(b);
    };

    private Versions() {}

    /** The newest of {@code versions} of the same family as {@code like}; empty when there is none. */
    static String newest(Collection<String> versions, String like) {
        String family = family(like);
        return versions.stream()
                .filter(one -> family(one).equals(family))
                .max(ORDER)
                .orElse("");
    }

    private static String family(String version) {
        int underscore = version.lastIndexOf('_');
        return underscore < 0 ? "" : version.substring(0, underscore);
    }

    private static int[] numbers(String version) {
        return Arrays.stream(version.substring(version.lastIndexOf('_') + 1).split("\\.", -1))
                .mapToInt(part -> part.matches("[0-9]{1,8}") ? Integer.parseInt(part) : -1)
                .toArray();
    }
}
