package dev.sallyport.cli.doctor;

import dev.sallyport.machine.Command;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The programs that Sallyport runs, and Debian's packages that hold them. */
final class Programs implements Check {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    /** Exit codes from here on: a library is missing (127), or it was killed. What is below is its own way to say no. */
    private static final int CANNOT_RUN = 126;

    private static final Pattern VERSION = Pattern.compile("\\d+(?:\\.\\d+)+");

    /**
     * A program that is needed.
     *
     * @param program its name
     * @param debian the package that holds it
     * @param asked what makes it tell its version; empty when it tells none, or takes long to
     */
    record Need(String program, String debian, String asked) {}

    /**
     * What is there of it.
     *
     * @param need what is needed
     * @param file where it lies, if it does
     * @param version its version; empty when it was not asked
     * @param problem why it cannot be run; empty when it can
     */
    record Found(Need need, Optional<Path> file, String version, String problem) {}

    private static final List<Need> NEEDS = List.of(
            new Need("qemu-system-x86_64", "qemu-system-x86", "--version"),
            new Need("socat", "socat", "-V"),
            new Need("tini", "tini", "--version"),
            new Need("ip", "iproute2", "-V"),
            new Need("nft", "nftables", "--version"),
            new Need("mmdebstrap", "mmdebstrap", "--version"),
            new Need("mkfs.erofs", "erofs-utils", ""),
            new Need("mke2fs", "e2fsprogs", "-V"),
            new Need("busybox", "busybox-static", "--help"),
            new Need("cpio", "cpio", "--version"),
            new Need("xz", "xz-utils", "--version"),
            new Need("zstd", "zstd", "--version"),
            new Need("newuidmap", "uidmap", ""),
            new Need("setpriv", "util-linux", "--version"),
            new Need("useradd", "passwd", ""),
            new Need("node", "nodejs", "--version"),
            new Need("npm", "npm", ""),
            new Need("mvn", "maven", ""));

    @Override
    public String name() {
        return "packages";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        var found = new ArrayList<Found>();
        for (Need need : NEEDS) {
            found.add(find(need));
        }
        return judge(found);
    }

    private static Found find(Need need) throws IOException, InterruptedException {
        Optional<Path> file = Command.find(need.program());
        if (file.isEmpty() || need.asked().isEmpty()) {
            return new Found(need, file, "", "");
        }
        try {
            Command.Result result = Command.run(DEADLINE, "", List.of(file.get().toString(), need.asked()));
            Matcher version = VERSION.matcher(result.output());
            if (version.find()) {
                return new Found(need, file, version.group(), "");
            }
            if (result.exitCode() < CANNOT_RUN) {
                return new Found(need, file, "", "");
            }
            return new Found(
                    need, file, "", "it ended with " + result.exitCode() + ": " + String.join(" ", result.lastLines()));
        } catch (FailureException e) {
            return new Found(need, file, "", String.join(" ", e.reason().evidence()));
        }
    }

    static List<Finding> judge(List<Found> all) {
        var findings = new ArrayList<Finding>();
        List<Found> missing = all.stream().filter(one -> one.file().isEmpty()).toList();
        List<Found> defective =
                all.stream().filter(one -> !one.problem().isEmpty()).toList();
        if (!missing.isEmpty()) {
            findings.add(Finding.broken(
                    names(missing) + (missing.size() == 1 ? " is missing." : " are missing."), install("", missing)));
        }
        for (Found one : defective) {
            findings.add(Finding.broken(
                    one.need().program() + " cannot be run: " + one.problem() + ".",
                    install("--reinstall ", List.of(one))));
        }
        List<Found> good = all.stream()
                .filter(one -> one.file().isPresent() && one.problem().isEmpty())
                .toList();
        if (!good.isEmpty()) {
            findings.add(Finding.ok(good.size() + " programs are there: " + names(good) + "."));
        }
        return findings;
    }

    private static String names(List<Found> all) {
        return all.stream()
                .map(one -> (one.need().program() + " " + one.version()).strip())
                .collect(Collectors.joining(", "));
    }

    private static String install(String option, List<Found> all) {
        var packages = new TreeSet<String>();
        all.forEach(one -> packages.add(one.need().debian()));
        return "sudo apt-get update && sudo apt-get install --no-install-recommends --yes " + option
                + String.join(" ", packages);
    }
}
