package dev.sallyport.image.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.image.journal.Thing.Kind;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BuildJournalTest {
    private static final Thing FOLDER = new Thing(Kind.FOLDER, "work", "node");
    private static final Thing PROCESS = new Thing(Kind.PROCESS, "1.a", "node 1, npm");
    private static final Thing KEY = new Thing(Kind.KEY, "node-00.json", "node");

    @TempDir
    Path builds;

    private final List<Thing> undone = new ArrayList<>();
    private final List<String> steps = new ArrayList<>();
    private final StepHook hook = new StepHook() {
        @Override
        public void before(String step) {
            steps.add("before " + step);
        }

        @Override
        public void after(String step) {
            steps.add("after " + step);
        }
    };

    private List<String> note(Path home, Thing thing) {
        undone.add(thing);
        return List.of();
    }

    @Test
    void whatADeadBuilderWroteDownIsUndoneBackwards() throws IOException {
        die(FOLDER, PROCESS, KEY);

        assertThat(undoDead()).isEmpty();

        assertThat(undone).containsExactly(KEY, PROCESS, FOLDER);
        assertThat(builds).isEmptyDirectory();
    }

    @Test
    void whatWasStruckOutIsNotUndone() throws IOException {
        try (BuildJournal journal = begin()) {
            journal.intend(FOLDER);
            journal.intend(PROCESS);
            assertThat(journal.undo(PROCESS)).isEmpty();
            journal.intend(KEY);
            journal.kept(KEY);
        }
        undone.clear();

        assertThat(undoDead()).isEmpty();

        assertThat(undone).containsExactly(FOLDER);
    }

    @Test
    void aLineThatDeathToreIsOfAThingThatWasNotMade() throws IOException {
        Path file = die(FOLDER, PROCESS).resolve("journal");
        String whole = Files.readString(file);
        for (int torn = 0; torn <= whole.length(); torn++) {
            undone.clear();
            Path home = Files.createDirectory(builds.resolve("00000000-0000-0000-0000-%012x".formatted(torn)));
            Files.writeString(home.resolve("journal"), whole.substring(0, torn));
            Files.deleteIfExists(file);

            assertThat(undoDead()).isEmpty();

            long lines = whole.substring(0, torn).chars().filter(c -> c == '\n').count();
            assertThat(undone).isEqualTo(List.of(PROCESS, FOLDER).subList(2 - (int) lines, 2));
            assertThat(builds).isEmptyDirectory();
        }
    }

    @Test
    void whatIsWrittenAfterATornLineCanBeRead() throws IOException {
        Path home = die(FOLDER, PROCESS);
        Files.writeString(home.resolve("journal"), "+ KEY half", StandardOpenOption.APPEND);
        Undo only = (at, thing) -> thing.equals(PROCESS) ? note(at, thing) : List.of("not this one");

        assertThat(undoDead(only)).containsExactly("not this one");
        undone.clear();

        assertThat(undoDead()).isEmpty();
        assertThat(undone).containsExactly(FOLDER);
    }

    @Test
    void errorsAreCollectedAndWhatCouldNotBeUndoneIsTriedAgain() throws IOException {
        die(FOLDER, PROCESS, KEY);
        Undo failing = (home, thing) -> switch (thing.kind()) {
            case KEY -> List.of("one", "two");
            case PROCESS -> throw new IllegalStateException("three");
            case FOLDER -> note(home, thing);
        };

        assertThat(undoDead(failing))
                .hasSize(3)
                .startsWith("one", "two")
                .last()
                .asString()
                .contains("process of node 1, npm", "three");
        assertThat(undone).containsExactly(FOLDER);
        undone.clear();

        assertThat(undoDead()).isEmpty();
        assertThat(undone).containsExactly(KEY, PROCESS);
        assertThat(builds).isEmptyDirectory();
    }

    @Test
    void undoingTwiceIsHarmless() throws IOException {
        try (BuildJournal journal = begin()) {
            journal.intend(FOLDER);
            assertThat(journal.undo(FOLDER)).isEmpty();
            assertThat(journal.undo(FOLDER)).isEmpty();
            assertThat(journal.undoAll()).isEmpty();
            assertThat(journal.undoAll()).isEmpty();
        }
        assertThat(undone).containsExactly(FOLDER);
        assertThat(builds).isEmptyDirectory();
    }

    @Test
    void aLivingBuildersIsNotTakenOver() throws IOException {
        try (BuildJournal journal = begin()) {
            journal.intend(FOLDER);

            assertThat(undoDead()).isEmpty();

            assertThat(undone).isEmpty();
            assertThat(journal.home()).exists();
        }
        undoDead();
        assertThat(undone).containsExactly(FOLDER);
    }

    @Test
    void anInterruptNeitherLosesTheLockNorStopsTheUndoing() throws IOException {
        // What undoes waits for processes, which it cannot while an interrupt is pending.
        Undo waiting =
                (home, thing) -> Thread.currentThread().isInterrupted() ? List.of("it cannot wait") : note(home, thing);
        try (BuildJournal journal = BuildJournal.begin(builds, waiting, hook)) {
            Thread.currentThread().interrupt();
            journal.intend(FOLDER);
            assertThat(journal.undo(FOLDER)).isEmpty();
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            journal.intend(PROCESS);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(undone).containsExactly(FOLDER);
            assertThat(undoDead()).isEmpty();
            assertThat(journal.home()).exists();
        }
    }

    @Test
    void whatHasNoJournalsNameIsNotTouched() throws IOException {
        Path other = Files.createDirectory(builds.resolve("notes"));
        Path full = Files.createDirectory(builds.resolve("00000000-0000-0000-0000-000000000001"));
        Files.writeString(full.resolve("thing"), "whose?");
        Path empty = Files.createDirectory(builds.resolve("00000000-0000-0000-0000-000000000002"));

        assertThat(undoDead()).singleElement().asString().contains(full.toString());

        assertThat(other).exists();
        assertThat(full.resolve("thing")).exists();
        assertThat(empty).doesNotExist();
    }

    @Test
    void aDamagedJournalIsAnErrorAndNothingIsTouched() throws IOException {
        Path home = die(FOLDER);
        Files.writeString(home.resolve("journal"), "rubbish\n");

        assertThat(undoDead()).singleElement().asString().contains("rubbish");
        assertThat(home.resolve("journal")).exists();
    }

    @Test
    void bothSidesOfEachStepAreTold() throws IOException {
        try (BuildJournal journal = begin()) {
            journal.intend(FOLDER);
            journal.intend(KEY);
            journal.kept(KEY);
            journal.undoAll();
        }
        assertThat(steps)
                .containsExactly(
                        "before intend folder of node",
                        "after intend folder of node",
                        "before intend key of node",
                        "after intend key of node",
                        "before kept key of node",
                        "after kept key of node",
                        "before undo folder of node",
                        "before undone folder of node",
                        "after undone folder of node");
    }

    @Test
    void aThingIsOnTheDiskBeforeAnybodyIsToldSo() throws IOException {
        List<String> read = new ArrayList<>();
        StepHook reader = new StepHook() {
            @Override
            public void before(String step) {}

            @Override
            public void after(String step) {
                // Read by another process: this one would lose its lock by it.
                try {
                    var cat = new ProcessBuilder("sh", "-c", "cat */journal")
                            .directory(builds.toFile())
                            .start();
                    read.add(new String(cat.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        };
        try (BuildJournal journal = BuildJournal.begin(builds, this::note, reader)) {
            journal.intend(FOLDER);
            journal.kept(FOLDER);
        }
        assertThat(read).containsExactly("+ FOLDER work node\n", "+ FOLDER work node\n- FOLDER work node\n");
    }

    @Test
    void namesThatWouldNotBeReadAgainAreRefused() {
        assertThatThrownBy(() -> new Thing(Kind.FOLDER, "a b", "")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Thing(Kind.FOLDER, "", "")).isInstanceOf(IllegalArgumentException.class);
        assertThat(new Thing(Kind.FOLDER, "a", "two\nlines").about()).isEqualTo("two lines");
    }

    private BuildJournal begin() throws IOException {
        return BuildJournal.begin(builds, this::note, hook);
    }

    /** A builder that wrote things down and died. */
    private Path die(Thing... things) throws IOException {
        try (BuildJournal journal = begin()) {
            for (Thing thing : things) {
                journal.intend(thing);
            }
            return journal.home();
        }
    }

    private List<String> undoDead() throws IOException {
        return undoDead(this::note);
    }

    private List<String> undoDead(Undo undo) throws IOException {
        List<String> errors = new ArrayList<>();
        for (BuildJournal dead : BuildJournal.takeOver(builds, undo, errors)) {
            try (dead) {
                errors.addAll(dead.undoAll());
            }
        }
        return errors;
    }
}
