package dev.sallyport.image.verify.systemd;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The settings that there are, by section. A misspelt one is ignored by systemd, and often is the whole defect. */
final class KnownKeys {
    private static final Map<String, Set<String>> BY_SECTION = read();

    private KnownKeys() {}

    /**
     * Nothing when {@code key} is a setting of {@code section}, or one that newer releases may have; else the setting that it
     * looks like, empty when it looks like none.
     */
    static Optional<String> nearest(String section, String key) {
        Set<String> keys = BY_SECTION.get(section);
        if (keys == null || key.startsWith("X-") || keys.contains(key)) {
            return Optional.empty();
        }
        String nearest = "";
        int least = 3;
        for (String known : keys) {
            int distance = distance(known.toLowerCase(Locale.ROOT), key.toLowerCase(Locale.ROOT), least);
            if (distance < least) {
                least = distance;
                nearest = known;
            }
        }
        return Optional.of(nearest);
    }

    /** Levenshtein's distance, at most {@code most}. */
    private static int distance(String a, String b, int most) {
        if (Math.abs(a.length() - b.length()) >= most) {
            return most;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return Math.min(row[b.length()], most);
    }

    private static Map<String, Set<String>> read() {
        Map<String, Set<String>> bySection = new HashMap<>();
        try (InputStream in = KnownKeys.class.getResourceAsStream("settings.txt")) {
            if (in == null) {
                throw new IllegalStateException("the product lacks its list of settings");
            }
            var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.isEmpty() && !line.startsWith("#")) {
                    String[] parts = line.split(": ", 2);
                    bySection.put(parts[0], new TreeSet<>(List.of(parts[1].split(" "))));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the product's own list of settings cannot be read", e);
        }
        return bySection;
    }
}
