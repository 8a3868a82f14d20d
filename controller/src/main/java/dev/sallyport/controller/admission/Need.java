package dev.sallyport.controller.admission;

/**
 * What a start takes of the host. What one sign-in starts is asked for in one piece: two that each hold a half and wait for the
 * other half would wait for ever.
 *
 * @param machines how many, of all kinds
 * @param ofUsersShare how many of them count against the user's own limit
 * @param memory bytes that they may come to use, all together
 */
public record Need(int machines, int ofUsersShare, long memory) {
    public Need {
        if (machines < 0 || ofUsersShare < 0 || ofUsersShare > machines || memory < 0) {
            throw new IllegalArgumentException("not a need: " + machines + " machines, " + ofUsersShare
                    + " of the user's share, " + memory + " bytes");
        }
    }

    /** One browser machine, which counts against its user's limit. */
    public static Need browser(long memory) {
        return new Need(1, 1, memory);
    }

    /** One CLI machine, of which a user has one anyway. */
    public static Need cli(long memory) {
        return new Need(1, 0, memory);
    }

    /** Both together. */
    public Need plus(Need other) {
        return new Need(machines + other.machines, ofUsersShare + other.ofUsersShare, memory + other.memory);
    }

    /** @throws IllegalArgumentException when {@code part} is not a part of this */
    Need minus(Need part) {
        return new Need(machines - part.machines, ofUsersShare - part.ofUsersShare, memory - part.memory);
    }
}
