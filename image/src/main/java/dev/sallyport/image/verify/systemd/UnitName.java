package dev.sallyport.image.verify.systemd;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Names of units (systemd.unit(5), systemd-escape(1)). */
public final class UnitName {
    private static final Set<String> TYPES = Set.of(
            "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope");
    private static final Pattern VALID = Pattern.compile("[A-Za-z0-9:_.\\\\@-]{1,255}");

    private UnitName() {}

    /** True for what systemd takes as a unit's name, templates included. */
    public static boolean valid(String name) {
        return VALID.matcher(name).matches() && name.lastIndexOf('.') > 0 && TYPES.contains(type(name));
    }

    /** What is behind the last full stop; empty when there is none. */
    public static String type(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** Without its type. */
    public static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    /** Between {@code @} and the type; empty when there is none. */
    public static String instance(String name) {
        int at = name.indexOf('@');
        return at < 0 ? "" : stem(name).substring(Math.min(at + 1, stem(name).length()));
    }

    /** Before the {@code @}, or the stem. */
    public static String prefix(String name) {
        int at = name.indexOf('@');
        return at < 0 ? stem(name) : name.substring(0, at);
    }

    /** {@code x@.service} of {@code x@y.service}; the name itself when it is no instance. */
    public static String template(String name) {
        return instance(name).isEmpty() ? name : prefix(name) + "@." + type(name);
    }

    /** True for {@code x@.service}. */
    public static boolean isTemplate(String name) {
        return name.contains("@.");
    }

    /** {@code name}, where a template is filled with {@code instance}. */
    public static String instantiated(String name, String instance) {
        return isTemplate(name) && !instance.isEmpty()
                ? name.replaceFirst("@\\.", "@" + java.util.regex.Matcher.quoteReplacement(instance) + ".")
                : name;
    }

    /** A path as systemd writes it in names of mounts and devices. */
    public static String escapePath(String path) {
        String plain = path.replaceAll("/+", "/").replaceAll("^/|/$", "");
        if (plain.isEmpty()) {
            return "-";
        }
        var escaped = new StringBuilder();
        byte[] bytes = plain.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            char c = (char) (bytes[i] & 0xff);
            if (c == '/') {
                escaped.append('-');
            } else if (Character.toString(c).matches("[A-Za-z0-9:_]") || (c == '.' && i > 0)) {
                escaped.append(c);
            } else {
                escaped.append(String.format(java.util.Locale.ROOT, "\\x%02x", (int) c));
            }
        }
        return escaped.toString();
    }

    /** Undoes the escaping: dashes are slashes again, {@code \xNN} are bytes. */
    public static String unescape(String name) {
        var plain = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '\\'
                    && name.startsWith("x", i + 1)
                    && name.substring(i + 2).matches("(?s)[0-9a-f]{2}.*")) {
                plain.write(Integer.parseInt(name.substring(i + 2, i + 4), 16));
                i += 3;
            } else {
                plain.writeBytes(
                        Character.toString(c == '-' ? '/' : c).getBytes(java.nio.charset.StandardCharsets.UTF_8));
            }
        }
        return plain.toString(java.nio.charset.StandardCharsets.UTF_8);
    }

    /** Names of the folders of drop-ins, without {@code .d}, the most specific first. */
    static List<String> dropInNames(String name) {
        List<String> names = new ArrayList<>(List.of(name));
        String type = type(name);
        if (!instance(name).isEmpty()) {
            names.add(template(name));
        }
        String stem = prefix(name);
        for (int dash = stem.lastIndexOf('-', stem.length() - 2); dash > 0; dash = stem.lastIndexOf('-', dash - 1)) {
            names.add(stem.substring(0, dash + 1) + (name.contains("@") ? "@." : ".") + type);
        }
        names.add(type);
        return names;
    }
}
