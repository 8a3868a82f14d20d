package dev.sallyport.acceptance.signin;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Looks for secrets, letter by letter, in everything that a sign-in wrote. */
final class SecretSearch {
    private static final int CHUNK = 1 << 20;

    private SecretSearch() {}

    /** Files below {@code folder} that hold one of {@code secrets}. */
    static List<String> inTree(Path folder, Set<String> secrets) throws IOException {
        List<String> found = new ArrayList<>();
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.filter(Files::isRegularFile).toList()) {
                if (holdsOne(path, secrets)) {
                    found.add(folder.relativize(path).toString());
                }
            }
        }
        return found;
    }

    /** Texts that hold one of {@code secrets}, with the secret left out. */
    static List<String> inTexts(Collection<String> texts, Set<String> secrets) {
        List<String> found = new ArrayList<>();
        for (String text : texts) {
            for (String secret : secrets) {
                if (text.contains(secret)) {
                    found.add(text.replace(secret, "<SECRET>"));
                }
            }
        }
        return found;
    }

    private static boolean holdsOne(Path file, Set<String> secrets) throws IOException {
        int longest = secrets.stream().mapToInt(String::length).max().orElse(0);
        try (InputStream in = Files.newInputStream(file)) {
            String carried = "";
            for (byte[] chunk = in.readNBytes(CHUNK); chunk.length > 0; chunk = in.readNBytes(CHUNK)) {
                String text = carried + new String(chunk, StandardCharsets.ISO_8859_1);
                if (secrets.stream().anyMatch(text::contains)) {
                    return true;
                }
                carried = text.substring(Math.max(0, text.length() - longest));
            }
        }
        return false;
    }
}
