package dev.sallyport.image.verify.systemd;

/** Replaces what is known of {@code %}-specifiers before a boot (systemd.unit(5), "Specifiers"), for units of the system's manager. */
public final class Specifiers {
    private Specifiers() {}

    /** {@code text} with the specifiers replaced; those that only a boot can tell, and unknown ones, stay as they are. */
    public static String expand(String text, String unit) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        var expanded = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c != '%' || at + 1 == text.length()) {
                expanded.append(c);
                at++;
            } else {
                expanded.append(value(text.charAt(at + 1), unit));
                at += 2;
            }
        }
        return expanded.toString();
    }

    /** True when {@code text} still holds something that only a boot can tell. */
    public static boolean open(String expanded) {
        return expanded.matches("(?s).*%[A-Za-z].*");
    }

    private static String value(char letter, String unit) {
        String prefix = UnitName.prefix(unit);
        return switch (letter) {
            case '%' -> "%";
            case 'n' -> unit;
            case 'N' -> UnitName.stem(unit);
            case 'p' -> prefix;
            case 'P' -> UnitName.unescape(prefix);
            case 'i' -> UnitName.instance(unit);
            case 'I' -> UnitName.unescape(UnitName.instance(unit));
            case 'j' -> prefix.substring(prefix.lastIndexOf('-') + 1);
            case 'J' -> UnitName.unescape(prefix.substring(prefix.lastIndexOf('-') + 1));
            case 'f' -> "/" + UnitName.unescape(unit.contains("@") ? UnitName.instance(unit) : prefix);
            case 't' -> "/run";
            case 'S' -> "/var/lib";
            case 'C' -> "/var/cache";
            case 'L' -> "/var/log";
            case 'E' -> "/etc";
            case 'T' -> "/tmp";
            case 'V' -> "/var/tmp";
            case 'h' -> "/root";
            case 'u', 'g' -> "root";
            case 'U', 'G' -> "0";
            case 's' -> "/bin/sh";
            default -> "%" + letter;
        };
    }
}
