package dev.sallyport.cli;

import dev.sallyport.controller.Settings;
import picocli.CommandLine.Option;

/** What is made ready before it is asked for; see {@link Settings.Ahead}, which also says what is wrong with it. */
public final class AheadOptions {
    private static final Settings.Ahead USUAL = Settings.Ahead.DEFAULTS;

    @Option(
            names = "--no-templates",
            description = "every machine boots: no snapshots of booted machines are made to begin from")
    private boolean noTemplates;

    @Option(
            names = "--warm-browsers",
            paramLabel = "N",
            description = "browser machines that are kept ready while there is room; 0 for none (default:"
                    + " ${DEFAULT-VALUE})")
    private int browsers = USUAL.browsers();

    @Option(
            names = "--warm-clis",
            paramLabel = "N",
            description =
                    "CLI machines that are kept ready while there is room; 0 for none (default: ${DEFAULT-VALUE})")
    private int clis = USUAL.clis();

    @Option(
            names = "--warm-most",
            paramLabel = "N",
            description = "how many of a kind are kept ready at the most, when many are asked for (default:"
                    + " ${DEFAULT-VALUE})")
    private int most = USUAL.most();

    @Option(
            names = "--warm-hypervisors",
            paramLabel = "N",
            description = "hypervisors of each kind that wait for a machine to start; 0 for none (default:"
                    + " ${DEFAULT-VALUE})")
    private int hypervisors = USUAL.hypervisors();

    /**
     * {@code settings} with what was chosen.
     *
     * @throws dev.sallyport.model.FailureException BAD_REQUEST, naming what is wrong
     */
    public Settings applyTo(Settings settings) {
        return settings.with(new Settings.Ahead(!noTemplates, browsers, clis, most, hypervisors, USUAL.restore()));
    }
}
