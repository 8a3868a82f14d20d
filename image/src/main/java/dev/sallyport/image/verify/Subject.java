package dev.sallyport.image.verify;

import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.verify.systemd.BootPlan;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.Units;

/**
 * A unit that must come up, and what is known of the tree around it.
 *
 * @param tree the tree
 * @param units its units
 * @param plan its boot
 * @param unit the unit
 * @param name as it was asked for
 * @param accounts the tree's users and groups
 * @param programs what can be executed
 * @param options what is to be proven
 * @param findings takes what is found
 */
record Subject(
        Tree tree,
        Units units,
        BootPlan plan,
        Unit unit,
        String name,
        Accounts accounts,
        Programs programs,
        Options options,
        Findings findings) {
    /** How sentences begin. */
    String whose() {
        return name.equals(Options.AGENT) ? "The agent's unit" : "The unit " + name;
    }
}
