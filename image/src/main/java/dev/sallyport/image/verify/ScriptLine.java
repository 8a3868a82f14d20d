package dev.sallyport.image.verify;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The first line of a script, as Linux reads it (fs/binfmt_script.c): at most 255 bytes, an interpreter and at most one argument.
 *
 * @param interpreter what is behind {@code #!}; empty when there is nothing, or when it was cut
 * @param argument the rest of the line
 * @param cut true when the line is longer than the kernel reads
 */
record ScriptLine(String interpreter, String argument, boolean cut) {
    private static final int READ = 256;

    static ScriptLine of(byte[] head) {
        String text = new String(head, 0, Math.min(READ, head.length), StandardCharsets.ISO_8859_1);
        int end = text.indexOf('\n');
        boolean cut = end < 0 && head.length >= READ;
        String line = text.substring(2, end < 0 ? text.length() : end).replaceAll("^[ \t]+|[ \t\0]+$", "");
        int blank = 0;
        while (blank < line.length() && " \t".indexOf(line.charAt(blank)) < 0) {
            blank++;
        }
        if (cut && blank == line.length()) {
            return new ScriptLine("", "", true); // The name itself is cut: the kernel refuses it.
        }
        return new ScriptLine(
                line.substring(0, blank),
                line.substring(blank).strip().isEmpty()
                        ? ""
                        : line.substring(blank).replaceAll("^[ \t]+", ""),
                cut);
    }

    /** What {@code env} would start (env(1)); empty when that cannot be told. */
    String throughEnvironment() {
        if (!argument.startsWith("-")) {
            return argument.contains("=") ? "" : argument;
        }
        String words = argument.replaceFirst("^-[vi]*S\\s*", "").replaceFirst("^--split-string[=\\s]", "");
        if (words.equals(argument)) {
            return "";
        }
        return command(List.of(words.split("\\s+", -1)));
    }

    /** The first word that is neither an option nor an assignment. */
    static String command(List<String> words) {
        boolean skip = false;
        for (String word : words) {
            if (skip) {
                skip = false;
            } else if (word.equals("-u") || word.equals("-C")) {
                skip = true;
            } else if (!word.startsWith("-") && !word.contains("=")) {
                return word;
            }
        }
        return "";
    }
}
