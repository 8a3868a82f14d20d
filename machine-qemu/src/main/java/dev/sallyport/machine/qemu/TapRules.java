package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Command;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/**
 * The one nft table of ours, {@value #TABLE}, whose chains say of every interface {@code spt*} that its machine may talk to that
 * interface's own address at the gateway's port (nft(8), "FIB EXPRESSIONS") and answer connections of the host to the agent's ports,
 * and nothing else; nothing is forwarded to or from it. It is the same table however many devices there are. Called with the host's
 * {@link NetworkLock} held.
 */
final class TapRules {
    static final String TABLE = "inet sallyport";

    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private final RulesGeneration generation = new RulesGeneration();
    /** When the rules were right. */
    private OptionalLong right = OptionalLong.empty();

    /** Whether no rule of the host has changed since {@link #write} was done last. */
    boolean areRight() {
        OptionalLong now = generation.now();
        return now.isPresent() && now.equals(right);
    }

    /**
     * Puts the table right, in one transaction that leaves it as it should be, whatever it was, without a moment between.
     *
     * @throws TapNetworks.RefusedException when that may not be
     * @throws IOException when nft is not there, or does not end
     * @throws InterruptedException when the calling thread is interrupted
     */
    void write() throws TapNetworks.RefusedException, IOException, InterruptedException {
        OptionalLong before = generation.now();
        right = OptionalLong.empty();
        Command.Result result = Command.run(DEADLINE, rules(), List.of("nft", "-f", "-"));
        if (!result.ok()) {
            throw new TapNetworks.RefusedException(
                    "nft says: " + String.join(" ", result.lastLines()).strip());
        }
        OptionalLong after = generation.now();
        // Two further than before, it would not be known whether the other change came first.
        if (before.isPresent() && after.isPresent() && after.getAsLong() == before.getAsLong() + 1) {
            right = after;
        }
    }

    /** Removes the table; what is left of it is told. */
    static List<String> remove() throws IOException, InterruptedException {
        Command.Result result = Command.run(DEADLINE, "delete table " + TABLE + "\n", List.of("nft", "-f", "-"));
        boolean gone = result.ok() || result.output().contains("No such file or directory");
        return gone ? List.of() : List.of("nft table: " + result.output());
    }

    private static String rules() {
        return """
                add table inet sallyport
                add chain inet sallyport from_machine
                add chain inet sallyport input { type filter hook input priority -10; policy accept; }
                add chain inet sallyport forward { type filter hook forward priority -10; policy accept; }
                flush chain inet sallyport from_machine
                flush chain inet sallyport input
                flush chain inet sallyport forward
                add rule inet sallyport from_machine fib daddr . iif type local tcp dport %d accept
                add rule inet sallyport from_machine ct state established ct direction reply tcp sport { %d, %d } accept
                add rule inet sallyport from_machine counter drop
                add rule inet sallyport input iifname "%s*" jump from_machine
                add rule inet sallyport forward iifname "%s*" counter drop
                add rule inet sallyport forward oifname "%s*" counter drop
                """.formatted(
                        MachineNetwork.DOOR_PORT,
                        MachineNetwork.AGENT_PORT,
                        MachineNetwork.STREAM_PORT,
                        TapNetworks.PREFIX,
                        TapNetworks.PREFIX,
                        TapNetworks.PREFIX);
    }
}
