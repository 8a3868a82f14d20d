package dev.sallyport.controller.pool;

import dev.sallyport.diagnosis.Verdict;
import dev.sallyport.image.Image;
import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.ImageVerifier;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins what a boot showed with what its image proves offline: the finding that belongs to the cause becomes evidence, with the
 * path and the line that a console does not tell, and names a cause that the boot could only name in general.
 */
final class ImageEvidence {
    private static final Logger LOG = LoggerFactory.getLogger(ImageEvidence.class);
    /** A cause is not held up for longer; it stands without the image's word too. */
    private static final Duration AT_MOST = Duration.ofSeconds(2);

    private static final int MOST_KNOWN = 16;

    /** What a boot names in general, and what an image may tell of it. */
    private static final Map<CauseCode, Set<CauseCode>> MORE_SPECIFIC = Map.of(
            CauseCode.EXEC_FORMAT,
            EnumSet.of(CauseCode.ARCHITECTURE_WRONG),
            CauseCode.EXEC_MISSING,
            EnumSet.of(CauseCode.INTERPRETER_MISSING, CauseCode.LOADER_MISSING),
            CauseCode.AGENT_MISSING,
            EnumSet.of(
                    CauseCode.UNIT_NOT_ENABLED,
                    CauseCode.UNIT_LINK_DANGLING,
                    CauseCode.UNIT_MASKED,
                    CauseCode.UNIT_INVALID,
                    CauseCode.UNIT_TARGET_NOT_REACHED),
            CauseCode.AGENT_FAILED,
            EnumSet.of(CauseCode.LIBRARY_MISSING, CauseCode.SYMBOL_VERSION_MISSING, CauseCode.LOADER_MISSING),
            CauseCode.UNIT_SETUP_FAILED,
            EnumSet.of(
                    CauseCode.UNIT_USER_MISSING, CauseCode.UNIT_DIRECTORY_MISSING, CauseCode.UNIT_ENVIRONMENT_MISSING),
            CauseCode.AGENT_SILENT,
            EnumSet.of(
                    CauseCode.AGENT_MISSING,
                    CauseCode.UNIT_NOT_ENABLED,
                    CauseCode.UNIT_LINK_DANGLING,
                    CauseCode.UNIT_MASKED,
                    CauseCode.UNIT_INVALID,
                    CauseCode.UNIT_TARGET_NOT_REACHED,
                    CauseCode.UNIT_WAITS_FOR_TARGET,
                    CauseCode.UNIT_WAITS_FOR_DEVICE));

    private final Map<String, CompletableFuture<List<Finding>>> known = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, CompletableFuture<List<Finding>>> eldest) {
            return size() > MOST_KNOWN;
        }
    };

    /** The cause of {@code verdict} with what the image adds to it. */
    Cause join(Verdict verdict, Image image) throws InterruptedException {
        Cause seen = verdict.cause();
        boolean general = MORE_SPECIFIC.containsKey(seen.code());
        if (!general && seen.code().family() != CauseCode.Family.UNIT) {
            return seen;
        }
        return join(seen, findings(image));
    }

    /** As above, with the findings at hand. */
    static Cause join(Cause seen, List<Finding> findings) {
        Set<CauseCode> wanted = MORE_SPECIFIC.getOrDefault(seen.code(), Set.of());
        Optional<Finding> same = findings.stream()
                .filter(found -> found.isError() && found.code() == seen.code())
                .findFirst();
        Optional<Finding> better = same.isPresent()
                ? Optional.empty()
                : findings.stream()
                        .filter(found -> found.isError() && wanted.contains(found.code()))
                        .findFirst();
        return same.or(() -> better)
                .map(found -> {
                    List<String> evidence = new ArrayList<>(seen.evidence());
                    evidence.add("the image, offline: " + found.path() + (found.line() == 0 ? "" : ":" + found.line())
                            + ": " + found.text());
                    return better.isPresent()
                            ? new Cause(found.code(), found.text() + " " + seen.detail(), evidence)
                            : new Cause(seen.code(), seen.detail(), evidence);
                })
                .orElse(seen);
    }

    private List<Finding> findings(Image image) throws InterruptedException {
        CompletableFuture<List<Finding>> findings;
        synchronized (known) {
            findings = known.computeIfAbsent(image.id(), id -> begin(image));
        }
        try {
            return findings.get(AT_MOST.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.info("The cause is told without the word of image {}: {}", image.id(), e.toString());
            return List.of();
        }
    }

    private static CompletableFuture<List<Finding>> begin(Image image) {
        var findings = new CompletableFuture<List<Finding>>();
        Thread.ofVirtual().name("verify " + image.id()).start(() -> {
            try {
                findings.complete(ImageVerifier.content(image));
            } catch (IOException | RuntimeException e) {
                findings.completeExceptionally(e);
            }
        });
        return findings;
    }
}
