package dev.sallyport.acceptance.suite;

import java.util.Locale;
import java.util.Optional;

/** The suites of {@code ./sallyport test}, in the order in which they run. */
enum Suite {
    /** Everything that needs no machine. */
    UNIT("!machines", "dev\\.sallyport\\..*", "rules, parsers, stores, relays: everything that needs no machine"),
    /** What every driver must do, seen on real machines. */
    CONTRACT("machines", "dev\\.sallyport\\.machine\\..*", "what every driver must do, on real machines"),
    /** The tools and stand-ins for vendors, on this host. */
    TOOLS(
            "machines",
            "dev\\.sallyport\\.(acceptance\\.standin|acceptance\\.player|agent|provider)\\..*",
            "the vendors' real tools against the stand-in for vendors, on this host"),
    /** Whole sign-ins. */
    SIGNIN("machines", "dev\\.sallyport\\.(acceptance\\.signin|controller)\\..*", "whole sign-ins in real machines"),
    /** Bad input against a running server and the command itself. */
    REFUSALS("machines", "dev\\.sallyport\\.acceptance\\.refusals\\..*", "bad input, refused clearly"),
    /** Everything that can go wrong, made for real. */
    FAULTS(
            "machines",
            "dev\\.sallyport\\.acceptance\\.faults\\..*",
            "each fault made for real; its cause must be the right one, and soon"),
    /** Death at every step. */
    CRASH(
            "machines",
            "dev\\.sallyport\\.acceptance\\.crash\\..*",
            "controllers, databases and hosts that die at every step; nothing is lost, and nothing is left");

    private final String tags;
    private final String classNames;
    private final String about;

    Suite(String tags, String classNames, String about) {
        this.tags = tags;
        this.classNames = classNames;
        this.about = about;
    }

    /** A JUnit tag expression. */
    String tags() {
        return tags;
    }

    /** A regular expression over full class names. */
    String classNames() {
        return classNames;
    }

    /** What it is, in a few words. */
    String about() {
        return about;
    }

    /** As written on the command line. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** True when it is long, and runs only when it is named or everything is asked for. */
    boolean isLong() {
        return this == FAULTS || this == CRASH;
    }

    /** True when its tests need images. */
    boolean needsImages() {
        return this != UNIT && this != TOOLS;
    }

    static Optional<Suite> ofWord(String word) {
        for (Suite suite : values()) {
            if (suite.word().equals(word)) {
                return Optional.of(suite);
            }
        }
        return Optional.empty();
    }
}
