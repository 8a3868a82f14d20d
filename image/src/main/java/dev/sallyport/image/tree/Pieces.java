package dev.sallyport.image.tree;

import java.util.List;

/** The pieces of a sparse file that are stored, one behind the other. */
final class Pieces {
    private final long[] numbers;

    /** @param numbers of each piece its offset and its length */
    Pieces(List<Long> numbers) {
        this.numbers = numbers.stream().mapToLong(Long::longValue).toArray();
    }

    int count() {
        return numbers.length / 2;
    }

    /** Where a piece lies in the file. */
    long offset(int piece) {
        return numbers[2 * piece];
    }

    long length(int piece) {
        return numbers[2 * piece + 1];
    }
}
