package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.Programs.Use;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What our own images must hold besides a root and an agent: tools with their commands, a desktop, users, trusted authorities. */
final class PartsCheck {
    private static final String TOOLS = "/opt/sallyport/tools";
    private static final String REBUILD = "Build the image again: './sallyport image build'.";
    private static final String AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

    private final Tree tree;
    private final Accounts accounts;
    private final Programs programs;
    private final Findings findings;

    PartsCheck(Tree tree, Accounts accounts, Programs programs, Findings findings) {
        this.tree = tree;
        this.accounts = accounts;
        this.programs = programs;
        this.findings = findings;
    }

    void check(VmType type) throws IOException {
        user("user");
        if (type == VmType.BROWSER) {
            user("desktop");
            for (String program : List.of("/usr/bin/Xvnc", "/usr/bin/openbox", "/usr/bin/chromium")) {
                if (tree.find(program).isEmpty()) {
                    findings.error(
                            CauseCode.PART_FAILED, program, 0, "The desktop's " + program + " is not there.", REBUILD);
                } else {
                    programs.check(program, Use.plain("The desktop", program, 0));
                }
            }
        }
        Optional<Entry> authorities = tree.find(AUTHORITIES);
        if (authorities.isEmpty() || authorities.get().node().size() == 0) {
            findings.error(
                    CauseCode.IMAGE_UNSOUND,
                    AUTHORITIES,
                    0,
                    "There are no trusted authorities.",
                    "Add ca-certificates to the root's packages.");
        }
        tools();
    }

    private void user(String name) {
        if (!accounts.hasUser(name)) {
            findings.error(
                    CauseCode.PART_FAILED,
                    "/etc/passwd",
                    0,
                    "The user '" + name + "' is missing.",
                    "Add it to the root's recipe.");
        }
    }

    private void tools() throws IOException {
        List<String> path = new ArrayList<>(List.of("/opt/sallyport/node/bin"));
        List<String> tools = tree.names(TOOLS);
        tools.forEach(tool -> path.add(TOOLS + "/" + tool + "/bin"));
        path.addAll(ExecCommand.SEARCHED);
        for (String tool : tools) {
            String folder = TOOLS + "/" + tool + "/bin";
            List<String> commands = tree.names(folder);
            if (commands.isEmpty()) {
                findings.error(CauseCode.TOOL_MISSING, folder, 0, "The tool " + tool + " has no command.", REBUILD);
            }
            for (String command : commands) {
                String file = folder + "/" + command;
                Optional<Entry> found = tree.find(file);
                if (found.isEmpty()) {
                    findings.error(
                            CauseCode.TOOL_MISSING,
                            file,
                            0,
                            "The command of the tool " + tool + " is a link that leads nowhere.",
                            REBUILD);
                } else if (found.get().kind() == Kind.FILE) {
                    programs.check(
                            file,
                            new Use("The tool " + tool, file, 0, true, Accounts.ROOT, path, List.of(), List.of()));
                }
            }
        }
    }
}
