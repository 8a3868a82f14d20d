package dev.sallyport.cli.doctor;

/**
 * One thing that was seen.
 *
 * @param state how bad it is
 * @param text what was seen, with its evidence: one sentence
 * @param remedy what to do; empty when there is nothing to do
 */
record Finding(State state, String text, String remedy) {
    static Finding ok(String text) {
        return new Finding(State.OK, text, "");
    }

    static Finding warning(String text, String remedy) {
        return new Finding(State.WARNING, text, remedy);
    }

    static Finding broken(String text, String remedy) {
        return new Finding(State.BROKEN, text, remedy);
    }
}
