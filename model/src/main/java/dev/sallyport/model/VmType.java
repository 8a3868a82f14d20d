package dev.sallyport.model;

import java.util.Locale;

/** The two kinds of machine; {@link #wire()} is the value of the API's {@code vmType} field and the image alias. */
public enum VmType {
    /** Has a desktop and Chromium, and lives for one sign-in. */
    BROWSER,
    /** Is lean and keeps the signed-in tool. */
    CLI;

    /** {@code browser} or {@code cli}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws InvalidIdException when {@code wire} is neither {@code browser} nor {@code cli} */
    public static VmType ofWire(String wire) {
        for (VmType type : values()) {
            if (type.wire().equals(wire)) {
                return type;
            }
        }
        throw new InvalidIdException("vmType", "browser|cli");
    }
}
