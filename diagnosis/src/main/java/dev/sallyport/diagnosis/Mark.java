package dev.sallyport.diagnosis;

import java.util.List;

/**
 * A sign that was found in a line of the console.
 *
 * @param sign which
 * @param proof the line that it stood in
 * @param words what its pattern's groups hold; an empty text where a group took no part
 */
record Mark(Sign sign, Proof proof, List<String> words) {
    /** The pattern's group {@code number}, from 1; empty when there is no such. */
    String word(int number) {
        return number <= words.size() ? words.get(number - 1) : "";
    }

    /** The group as a number; -1 when it is none. */
    int number(int group) {
        String word = word(group);
        return word.matches("\\d{1,9}") ? Integer.parseInt(word) : -1;
    }
}
