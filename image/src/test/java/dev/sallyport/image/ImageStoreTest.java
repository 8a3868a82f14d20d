package dev.sallyport.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.image.journal.Thing;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImageStoreTest {
    @TempDir
    Path cache;

    private ImageStore store;

    @BeforeEach
    void open() {
        store = ImageStore.open(cache);
    }

    @Test
    void aFileIsKeptUnderItsContentsNameAndFoundByItsKey() throws IOException {
        StoredFile file = add("root-cli", key(1), "content");

        assertThat(file.digest()).isEqualTo(Digests.of("content"));
        assertThat(file.file()).hasFileName(file.digest()).hasContent("content");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.file())))
                .isEqualTo("r--r--r--");
        assertThat(ImageStore.open(cache).find("root-cli", key(1))).contains(file);
        assertThat(store.find("root-cli", key(2))).isEmpty();
        assertThat(store.find("root-browser", key(1))).isEmpty();
    }

    @Test
    void whatIsGoneIsNotFoundByItsKey() throws IOException {
        StoredFile file = add("root-cli", key(1), "content");
        Files.delete(file.file());

        assertThat(store.find("root-cli", key(1))).isEmpty();
    }

    @Test
    void everyoneMayReadTheStoreWhateverTheUmask() throws IOException {
        try (Stream<Path> folders = Files.walk(cache.resolve("images"))) {
            assertThat(folders.filter(Files::isDirectory))
                    .hasSizeGreaterThan(5)
                    .allSatisfy(
                            folder -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
                                    .isEqualTo("rwxr-xr-x"));
        }
    }

    @Test
    void theSamePartsAreTheSameImage() {
        Image first = image("cli", "layer");
        Image again = image("cli", "layer");

        assertThat(again).isEqualTo(first);
        assertThat(store.images()).containsExactly(first);
        assertThat(store.byId(first.id())).contains(first);
        assertThat(image("cli", "another layer").id()).isNotEqualTo(first.id());
        assertThat(image("browser", "layer").id()).isNotEqualTo(first.id());
    }

    @Test
    void anAliasPointsAtWhatWasPromotedLastAndRemembersTheRest() {
        Image one = promoted("one");
        Image two = promoted("two");
        Image three = promoted("three");

        assertThat(store.current("cli")).contains(three);
        assertThat(store.history("cli")).containsExactly(three.id(), two.id(), one.id());
        store.promote(one);
        assertThat(store.history("cli")).containsExactly(one.id(), three.id(), two.id());
        assertThat(store.current("browser")).isEmpty();
    }

    @Test
    void rollbackGoesToTheImageBefore() {
        Image one = promoted("one");
        promoted("two");

        assertThat(store.rollback("cli")).isEqualTo(one);
        assertThat(ImageStore.open(cache).current("cli")).contains(one);
        assertFails(CauseCode.CONFLICT, () -> store.rollback("cli"));
        assertThat(store.current("cli")).contains(one);
    }

    @Test
    void historyIsBounded() {
        for (int n = 0; n < ImageStore.HISTORY + 3; n++) {
            promoted("layer " + n);
        }

        assertThat(store.history("cli")).hasSize(ImageStore.HISTORY);
    }

    @Test
    void anImageWithoutOneOfItsFilesIsNotPromoted() throws IOException {
        Image one = promoted("one");
        Image two = image("cli", "two");
        Files.delete(two.layers().getFirst().file());

        assertFails(CauseCode.IMAGE_MISSING, () -> store.promote(two));
        assertThat(store.current("cli")).contains(one);
    }

    @Test
    void aDamagedManifestHasAName() throws IOException {
        Image one = promoted("one");
        Files.writeString(cache.resolve("images/manifests/" + one.id() + ".json"), "{\"id\": 3");

        assertFails(CauseCode.IMAGE_UNSOUND, () -> store.current("cli"));
    }

    @Test
    void idsAndNamesCannotLeaveTheStore() {
        assertThat(store.byId("../../../etc")).isEmpty();
        assertFails(CauseCode.NOT_FOUND, () -> store.current("../cli"));
    }

    @Test
    void pruneRemovesWhatNobodyNeeds() throws IOException {
        Image kept = promoted("kept");
        Image used = image("cli", "used by a machine");
        Image loose = image("cli", "loose");
        StoredFile orphan = add("root-old", key(77), "orphan");

        ImageStore.Pruned pruned = store.prune(List.of(used.id()), List.of());

        assertThat(pruned.images()).containsExactly(loose.id());
        assertThat(pruned.files()).isEqualTo(2);
        assertThat(pruned.bytes()).isEqualTo("loose".length() + "orphan".length());
        assertThat(store.images()).containsExactlyInAnyOrder(kept, used);
        assertThat(orphan.file()).doesNotExist();
        assertThat(store.find("root-old", key(77))).isEmpty();
        assertThat(kept.layers().getFirst().file()).exists();
        assertThat(store.prune(List.of(used.id()), List.of()).files()).isZero();
    }

    @Test
    void pruneKeepsWhatIsRolledBackTo() {
        Image one = promoted("one");
        promoted("two");

        store.prune(List.of(), List.of());

        assertThat(store.rollback("cli")).isEqualTo(one);
        assertThat(one.layers().getFirst().file()).exists();
    }

    @Test
    void nothingIsPrunedWhileSomethingIsBuilt() throws Exception {
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            var building = new CountDownLatch(1);
            var done = new CountDownLatch(1);
            Future<?> builder = other.submit(() -> {
                try (var _ = ImageStore.open(cache).use()) {
                    building.countDown();
                    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
                }
                return null;
            });
            assertThat(building.await(30, TimeUnit.SECONDS)).isTrue();
            assertFails(CauseCode.CONFLICT, () -> store.prune(List.of(), List.of()));
            done.countDown();
            builder.get(30, TimeUnit.SECONDS);
        }
        assertThat(store.prune(List.of(), List.of()).images()).isEmpty();
    }

    @Test
    void oneAloneMakesAThingAtATime() throws Exception {
        var inside = new AtomicBoolean();
        Callable<Boolean> maker = () -> {
            boolean alone = true;
            for (int n = 0; n < 50; n++) {
                try (var _ = ImageStore.open(cache).making("root-cli", () -> {})) {
                    alone &= inside.compareAndSet(false, true);
                    Thread.onSpinWait();
                    inside.set(false);
                }
            }
            return alone;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> alone : threads.invokeAll(List.of(maker, maker, maker, maker))) {
                assertThat(alone.get()).isTrue();
            }
        }
    }

    @Test
    void whoMustWaitIsToldBeforeItWaits() throws Exception {
        var told = new java.util.concurrent.CountDownLatch(1);
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<Boolean> second;
            try (var _ = store.making("root-cli", () -> {})) {
                second = threads.submit(() -> {
                    try (var _ = ImageStore.open(cache).making("root-cli", told::countDown)) {
                        return true;
                    }
                });
                assertThat(told.await(30, java.util.concurrent.TimeUnit.SECONDS))
                        .isTrue();
            }
            assertThat(second.get()).isTrue();
        }
    }

    @Test
    void aLiveWorkspaceIsNotSwept() throws IOException {
        try (Workspace workspace = store.workspace("file")) {
            Files.writeString(workspace.folder().resolve("half"), "done");
            ImageStore.open(cache);
            assertThat(workspace.folder().resolve("half")).exists();
        }
        assertThat(work()).isEmpty();
    }

    @Test
    void whatAKilledBuilderLeftIsSweptAndWhatItStartedIsEnded() throws Exception {
        Image before = promoted("before");
        Process builder = KilledBuilder.start(cache);
        long sleeper = KilledBuilder.awaitSleeper(builder);
        ProcessHandle left = ProcessHandle.of(sleeper).orElseThrow();
        assertThat(work()).isNotEmpty();
        // Alive: nothing of it may be touched.
        ImageStore.open(cache);
        assertThat(work()).hasSize(1);

        builder.destroyForcibly().waitFor();
        assertThat(left.isAlive()).isTrue();
        ImageStore swept = ImageStore.open(cache);

        assertThat(work()).isEmpty();
        left.onExit().get(10, TimeUnit.SECONDS);
        assertThat(swept.current("cli")).contains(before);
        assertThat(swept.images()).containsExactly(before);
    }

    @Test
    void aFolderOutsideGoesWithItsWorkspace() throws IOException {
        Path outside;
        try (Workspace workspace = store.workspace("root")) {
            outside = workspace.outside();
            Files.writeString(outside.resolve("file"), "content");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(outside)))
                    .isEqualTo("rwx--x--x");
        }
        assertThat(outside).doesNotExist();
        assertThat(work()).isEmpty();
    }

    @Test
    void aKeyWhoseFileDidNotComeGoesWithItsWorkspaceAndAWholeOneStays() throws IOException {
        StoredFile whole = add("root-cli", key(1), "content");
        var stopped = new IllegalStateException("stopped before it has its name");
        StepHook hook = new StepHook() {
            @Override
            public void before(String step) {
                if (step.startsWith("take in ")) {
                    throw stopped;
                }
            }

            @Override
            public void after(String step) {}
        };
        Path keys = cache.resolve("images/keys");
        try (Workspace workspace = store.workspace("node", hook)) {
            Path file = Files.writeString(workspace.folder().resolve("file"), "other content");
            assertThatThrownBy(() -> store.add(workspace, file, "node", key(2), Map.of()))
                    .isSameAs(stopped);
            assertThat(keys.resolve("node-" + key(2) + ".json")).exists();
            assertThat(store.find("node", key(2))).isEmpty();
            // The key of a file that is there is nobody's to remove.
            workspace.journal().intend(new Thing(Thing.Kind.KEY, "root-cli-" + key(1) + ".json", "root-cli"));
        }
        assertThat(keys.resolve("node-" + key(2) + ".json")).doesNotExist();
        assertThat(store.find("root-cli", key(1))).contains(whole);
        assertThat(work()).isEmpty();
    }

    @Test
    void whatNpmHadHalfFetchedGoesWhenNobodyBuilds() throws Exception {
        Path half = Files.createDirectories(cache.resolve("downloads/npm/_cacache/tmp"));
        Path file = Files.writeString(half.resolve("3f2a"), "half");
        try (var _ = store.use()) {
            ImageStore.open(cache);
            assertThat(file).exists();
        }
        ImageStore.open(cache);
        assertThat(file).doesNotExist();
    }

    private List<Path> work() throws IOException {
        try (Stream<Path> list = Files.list(cache.resolve("images/builds"))) {
            return list.toList();
        }
    }

    private Image promoted(String layer) {
        Image image = image("cli", layer);
        store.promote(image);
        return image;
    }

    private Image image(String recipe, String... layers) {
        List<StoredFile> files = new ArrayList<>();
        for (String layer : layers) {
            files.add(add("layer", Digests.of(layer), layer));
        }
        return store.save(
                recipe,
                add("kernel", key(1), "the kernel"),
                add("initramfs", key(1), "the initramfs"),
                files,
                List.of("quiet"));
    }

    private StoredFile add(String name, String key, String content) {
        try (Workspace workspace = store.workspace("file")) {
            Path file = Files.writeString(workspace.folder().resolve("file"), content);
            return store.add(
                    workspace,
                    file,
                    name,
                    key,
                    Map.of("uuid", UUID.nameUUIDFromBytes(new byte[] {1}).toString()));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String key(int number) {
        return Digests.of("key " + number);
    }

    private static void assertFails(CauseCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().code()).isEqualTo(code));
    }
}
