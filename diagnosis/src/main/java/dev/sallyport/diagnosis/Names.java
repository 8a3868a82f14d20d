package dev.sallyport.diagnosis;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which unit a text of systemd means. Its status lines have a unit's name, its description, or both, as StatusUnitFormat= of
 * systemd-system.conf(5) wants; what was seen together once is known from then on.
 */
final class Names {
    private static final int MOST = 300;
    private static final String UNIT =
            "[\\w:.@\\\\-]{1,200}\\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)";
    private static final Pattern COMBINED = Pattern.compile("(" + UNIT + ") - (.+)");
    private static final Pattern ALONE = Pattern.compile(UNIT);

    private final String agent;
    private final Map<String, String> byDescription = new LinkedHashMap<>();

    /** @param agent the agent's unit: a description that spells its name is taken for it */
    Names(String agent) {
        this.agent = agent;
    }

    /** The unit that {@code text} names; the text itself when that is not known. */
    String unit(String text) {
        String bare = text.strip();
        Matcher combined = COMBINED.matcher(bare);
        if (combined.matches()) {
            learn(combined.group(2), combined.group(1));
            return combined.group(1);
        }
        if (ALONE.matcher(bare).matches()) {
            return bare;
        }
        String known = byDescription.get(bare);
        if (known != null) {
            return known;
        }
        return spelled(bare).equals(stem(agent)) ? agent : bare;
    }

    /** Whether {@code text} means the agent's unit. */
    boolean agent(String text) {
        return unit(text).equals(agent);
    }

    /** A unit's name without its type. */
    static String stem(String unit) {
        int dot = unit.lastIndexOf('.');
        return dot < 0 ? unit : unit.substring(0, dot);
    }

    /** Whether {@code name} is a device, by its unit or as systemd describes it: by its path. */
    static boolean device(String name) {
        return name.endsWith(".device") || name.startsWith("/dev/") || name.startsWith("/sys/");
    }

    private void learn(String description, String unit) {
        if (byDescription.size() < MOST || byDescription.containsKey(description)) {
            byDescription.put(description, unit);
        }
    }

    private static String spelled(String description) {
        return description.toLowerCase(Locale.ROOT).replace(' ', '-').replace('_', '-');
    }
}
