package dev.sallyport.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.tree.TreeSource;
import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.ImageVerifier;
import dev.sallyport.image.verify.Options;
import dev.sallyport.image.verify.TreeVerifier;
import dev.sallyport.image.verify.Verification;
import dev.sallyport.model.CauseCode.Family;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Verifies an image and tells the result. Exit statuses: 0 sound, 1 unsound, and as sysexits(3) has them 64 for a name that cannot
 * be one, 65 for a file that is no image, 66 for one that is not there or cannot be read.
 */
final class VerifyReport {
    private static final int UNSOUND = 1;
    private static final int USAGE = 64;
    private static final int NO_IMAGE = 65;
    private static final int NO_INPUT = 66;
    /** Anything else can be a path only. */
    private static final String STORED = "[a-z0-9][a-z0-9-]{0,63}";

    private static final String UNIT = "[A-Za-z0-9:_.\\\\\\\\@-]{1,255}";

    private final ImageStore store;
    private final PrintStream out;
    private final PrintStream errors;

    VerifyReport(ImageStore store, PrintStream out, PrintStream errors) {
        this.store = store;
        this.out = out;
        this.errors = errors;
    }

    int verify(String name, List<String> units, boolean json) {
        for (String unit : units) {
            if (!unit.matches(UNIT)) {
                return refuse(USAGE, "'" + unit + "' cannot be the name of a unit.");
            }
        }
        Optional<Image> image =
                name.matches(STORED) ? store.current(name).or(() -> store.byId(name)) : Optional.empty();
        if (image.isPresent()) {
            Verification report = ImageVerifier.report(image.get(), units);
            return print("image " + image.get().id() + " (" + image.get().recipe() + ")", report, json);
        }
        Path path;
        try {
            path = Path.of(name);
        } catch (InvalidPathException e) {
            return refuse(USAGE, "This can be neither an image nor a path: " + e.getReason() + ".");
        }
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return refuse(
                    NO_INPUT,
                    "'" + name
                            + "' is no alias and no image ('./sallyport image list' lists them), and no such file is there.");
        }
        if (!Files.isReadable(path)) {
            return refuse(NO_INPUT, "'" + name + "' leads nowhere, or cannot be read.");
        }
        try (var opened = TreeSource.open(path)) {
            if (!json) {
                opened.notes().forEach(note -> out.println("note: " + note));
            }
            return print(
                    name + " (" + opened.form() + ")",
                    TreeVerifier.report(opened.tree(), Options.foreign(units)),
                    json);
        } catch (IOException e) {
            return refuse(NO_IMAGE, String.valueOf(e.getMessage()));
        }
    }

    private int refuse(int status, String sentence) {
        errors.println("sallyport: " + sentence.replaceAll("\\p{Cntrl}", "?"));
        return status;
    }

    private int print(String what, Verification report, boolean json) {
        if (json) {
            out.println(json(what, report));
        } else {
            people(what, report);
        }
        return report.sound() ? 0 : UNSOUND;
    }

    private void people(String what, Verification report) {
        out.println(what);
        Map<String, List<Finding>> groups = new LinkedHashMap<>();
        for (Finding finding : report.findings()) {
            groups.computeIfAbsent(group(finding), ignored -> new ArrayList<>()).add(finding);
        }
        groups.forEach((title, findings) -> {
            out.println();
            out.println(title);
            for (Finding finding : findings) {
                out.println("  " + finding.severity().name().toLowerCase(Locale.ROOT) + "  " + finding.where() + "  ["
                        + finding.code() + "]");
                out.println("         " + finding.text());
                out.println("         " + finding.remedy());
            }
        });
        out.println();
        String seconds = String.format(Locale.ROOT, "%.1f s", report.took().toMillis() / 1000.0);
        if (report.sound()) {
            out.println("sound: " + String.join("; ", report.proven()) + ".");
        }
        out.println(count(report.errors(), "error") + ", " + count(report.warnings(), "warning") + ", in " + seconds);
    }

    private static String group(Finding finding) {
        Family family = finding.code().family();
        return family == Family.HOST ? "The image" : family.title();
    }

    private static String count(long count, String word) {
        return count + " " + word + (count == 1 ? "" : "s");
    }

    private static String json(String what, Verification report) {
        List<Map<String, Object>> findings = new ArrayList<>();
        for (Finding finding : report.findings()) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("severity", finding.severity().name());
            fields.put("code", finding.code().name());
            fields.put("path", finding.path());
            if (finding.line() > 0) {
                fields.put("line", finding.line());
            }
            fields.put("text", finding.text());
            fields.put("remedy", finding.remedy());
            findings.add(fields);
        }
        Map<String, Object> whole = new LinkedHashMap<>();
        whole.put("image", what);
        whole.put("sound", report.sound());
        whole.put("errors", report.errors());
        whole.put("warnings", report.warnings());
        whole.put("seconds", report.took().toMillis() / 1000.0);
        whole.put("proven", report.proven());
        whole.put("findings", findings);
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(whole);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report of texts and numbers is JSON", e);
        }
    }
}
