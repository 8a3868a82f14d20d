package dev.sallyport.model;

import java.util.regex.Pattern;

/**
 * Identifies one machine: {@code m-} and 12 base32 characters (60 random bits). Short, because names of outside things
 * (network interfaces, control groups) are made from it.
 *
 * @param value the textual form
 */
public record MachineId(String value) {
    private static final Pattern FORM = Pattern.compile("m-[a-z2-7]{12}");

    /** @throws InvalidIdException when {@code value} is not of the form */
    public MachineId {
        Ids.check("machine id", FORM, value);
    }

    /** A fresh random id. */
    public static MachineId random() {
        return new MachineId("m-" + Ids.random(12));
    }

    @Override
    public String toString() {
        return value;
    }
}
