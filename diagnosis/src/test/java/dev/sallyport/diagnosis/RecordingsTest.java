package dev.sallyport.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recorded starts, and what they must be taken for. A new case is a new file in {@code recordings}. */
final class RecordingsTest {
    private static final Path FOLDER = folder();

    /** Beside the test's own class: tests run from any folder. */
    private static Path folder() {
        try {
            return Path.of(Objects.requireNonNull(RecordingsTest.class.getResource("/recordings"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("a resource's address is well-formed", e);
        }
    }

    static List<String> recordings() throws IOException {
        return files(FOLDER);
    }

    static List<String> healthy() throws IOException {
        return files(FOLDER.resolve("healthy"));
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> FOLDER.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void namesTheCause(String file) {
        Recording recording = Recording.read(FOLDER.resolve(file));
        assertThat(recording.steps()).as("expectations").anyMatch(Recording.Step.Expected.class::isInstance);
        assertThat(recording.differences()).isEmpty();
    }

    /** What a healthy machine says is never held against it, at no line. */
    @ParameterizedTest
    @MethodSource("healthy")
    void leavesAHealthyBootAlone(String file) {
        Recording recording = Recording.read(FOLDER.resolve(file));
        var diagnosis = new Diagnosis(recording.subject());
        var held = new ArrayList<String>();
        for (Recording.Step step : recording.steps()) {
            if (step instanceof Recording.Step.Seen seen) {
                diagnosis.add(seen.evidence());
                diagnosis
                        .verdict()
                        .filter(verdict -> verdict.certainty() != Certainty.POSSIBLE)
                        .ifPresent(verdict -> held.add("line " + seen.line() + ": " + verdict));
            }
        }
        assertThat(held).isEmpty();
        assertThat(recording.differences()).isEmpty();
        assertThat(diagnosis.verdict()).isEmpty();
    }

    /** Every cause that a start can have is shown by a recording. */
    @Test
    void everyCauseIsShown() throws IOException {
        Set<CauseCode> shown = EnumSet.noneOf(CauseCode.class);
        for (String file : recordings()) {
            for (Recording.Step step : Recording.read(FOLDER.resolve(file)).steps()) {
                if (step instanceof Recording.Step.Expected expected) {
                    String[] words = expected.text().split(" ");
                    Stream.of(words)
                            .limit(2)
                            .filter(word -> Stream.of(CauseCode.values())
                                    .anyMatch(code -> code.name().equals(word)))
                            .forEach(word -> shown.add(CauseCode.valueOf(word)));
                }
            }
        }
        Set<CauseCode> wanted = EnumSet.noneOf(CauseCode.class);
        for (CauseCode code : CauseCode.values()) {
            switch (code.family()) {
                case BOOT, UNIT, AGENT -> wanted.add(code);
                default -> {}
            }
        }
        wanted.addAll(EnumSet.of(
                CauseCode.HYPERVISOR_FAILED,
                CauseCode.HYPERVISOR_KILLED,
                CauseCode.OUT_OF_MEMORY,
                CauseCode.WRITABLE_DISK_FULL,
                CauseCode.NETWORK_DEVICE_MISSING,
                CauseCode.CLOCK_WRONG,
                CauseCode.MACHINE_ENDED,
                CauseCode.PART_FAILED,
                CauseCode.EGRESS_DOWN));
        assertThat(shown).containsAll(wanted);
    }
}
