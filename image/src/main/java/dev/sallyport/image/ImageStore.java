package dev.sallyport.image;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.sallyport.image.journal.BuildJournal;
import dev.sallyport.image.journal.Thing;
import dev.sallyport.image.journal.Undoing;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images on this host, below {@code images/} of the cache folder:
 *
 * <pre>
 * files/SHA256       layers, kernels, initramfs archives: named by their content, read-only
 * keys/NAME-KEY.json what was made from which inputs, so that nothing is made twice
 * manifests/ID.json  images; never changed
 * aliases/NAME.json  which image {@code browser} and {@code cli} are, and were before: the first is the current one
 * builds/ID/         what is being made, with its journal: undone by the next who opens the store when its owner is dead
 * work/              small files that are being written
 * locks/             lock files; never deleted
 * </pre>
 *
 * Whatever appears under its name is whole: it was written elsewhere in the store, flushed, and renamed. Several processes, and
 * several stores in one, may use the same folder at once.
 */
public final class ImageStore {
    /** Images that an alias remembers, the current one included. */
    public static final int HISTORY = 8;

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9._-]{0,63}");
    private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

    private final Path cache;
    private final Path files;
    private final Path keys;
    private final Path manifests;
    private final Path aliases;
    private final Path work;
    private final Path builds;
    private final Path lockFiles;
    private final StoreLocks locks;
    private final StoreFiles json;
    private final Undoing undoing = new Undoing(this::dropDangling);

    private ImageStore(Path cache) {
        this.cache = cache;
        Path root = cache.resolve("images");
        files = root.resolve("files");
        keys = root.resolve("keys");
        manifests = root.resolve("manifests");
        aliases = root.resolve("aliases");
        work = root.resolve("work");
        builds = root.resolve("builds");
        json = new StoreFiles(work);
        lockFiles = root.resolve("locks");
        locks = new StoreLocks(lockFiles);
    }

    /**
     * Opens the store of a cache folder, making it when it is not there, and undoes what builders left that were killed. What cannot be
     * undone is logged, and tried again by the next who opens it.
     *
     * @throws FailureException {@link CauseCode#DISK_FULL} or {@link CauseCode#IMAGE_BUILD_FAILED} when it cannot be made
     */
    public static ImageStore open(Path cacheFolder) {
        Path cache = cacheFolder.toAbsolutePath().normalize();
        var store = new ImageStore(cache);
        try {
            for (Path folder : List.of(
                    store.files,
                    store.keys,
                    store.manifests,
                    store.aliases,
                    store.work,
                    store.builds,
                    store.lockFiles)) {
                makeReadable(cache, folder);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store " + cache + " could not be opened", e);
        }
        List<String> errors = store.undoDeadBuilds();
        if (!errors.isEmpty()) {
            // Made only now: logging takes longer to start than an image that is there already takes to be found.
            Logger log = LoggerFactory.getLogger(ImageStore.class);
            errors.forEach(error -> log.warn("What a dead build left is still there: {}", error));
        }
        return store;
    }

    /**
     * Undoes what is left of builds whose process is dead, the last made first. Those that live are not touched. Doing so twice is
     * harmless.
     *
     * @return the errors met; none when nothing is left
     */
    public List<String> undoDeadBuilds() {
        return new DeadBuilds(builds, cache.resolve("downloads/npm"), json, locks, undoing).undoAll();
    }

    /** Removes a key whose file is not there. */
    private void dropDangling(String name) throws IOException {
        Path key = keys.resolve(name);
        if (!keys.equals(key.getParent())) {
            throw new IOException("'" + name + "' is not the name of a key");
        }
        try (var _ = locks.store()) {
            Optional<Key> known = json.read(key, Key.class);
            if (known.isPresent() && !Files.exists(file(known.get().digest()))) {
                Files.deleteIfExists(key);
            }
        }
    }

    /** Machines run as another user: what is new on the way to an image can be entered by all, whatever the umask. */
    private static void makeReadable(Path cache, Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        Path parent = folder.getParent();
        if (parent != null && !folder.equals(cache)) {
            makeReadable(cache, parent);
        }
        Files.createDirectories(folder);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The cache folder that it lies in. */
    public Path cache() {
        return cache;
    }

    // ---- reading

    /**
     * The image that an alias points at.
     *
     * @throws FailureException {@link CauseCode#IMAGE_UNSOUND} when it points at an image that cannot be read
     */
    public Optional<Image> current(String alias) {
        List<String> history = history(alias);
        return history.isEmpty() ? Optional.empty() : Optional.of(pointedAt(alias, history.getFirst()));
    }

    /** The ids of the images that an alias pointed at, the current one first; empty when there is no such alias. */
    public List<String> history(String alias) {
        return json.read(aliases.resolve(name(alias) + ".json"), Alias.class)
                .map(Alias::images)
                .orElse(List.of());
    }

    /** All images, the newest first. */
    public List<Image> images() {
        List<Image> all = new ArrayList<>();
        for (Path manifest : StoreFiles.list(manifests)) {
            json.read(manifest, Manifest.class).ifPresent(read -> all.add(image(read)));
        }
        all.sort(Comparator.comparing(Image::created).reversed().thenComparing(Image::id));
        return List.copyOf(all);
    }

    /** The image with this id, if it is here. */
    public Optional<Image> byId(String id) {
        return ID.matcher(id).matches()
                ? json.read(manifests.resolve(id + ".json"), Manifest.class).map(this::image)
                : Optional.empty();
    }

    /** What was made under {@code name} from the inputs with this key, if it is still here. */
    public Optional<StoredFile> find(String name, String key) {
        return json.read(keyFile(name, key), Key.class)
                .map(found ->
                        new StoredFile(name, key, found.digest(), file(found.digest()), found.bytes(), found.notes()))
                .filter(found -> Files.isRegularFile(found.file()));
    }

    // ---- making

    /**
     * Keeps {@link #prune} away while it is open; whoever builds holds it, on one thread.
     *
     * @throws InterruptedException when the thread is interrupted while a prune runs
     */
    public Use use() throws InterruptedException {
        return locks.building();
    }

    /**
     * Makes sure that one alone makes {@code name} at a time, in this process or another, waiting for who does.
     *
     * @param whenBusy called when there is one to wait for
     * @throws InterruptedException when the thread is interrupted meanwhile
     */
    public Use making(String name, Runnable whenBusy) throws InterruptedException {
        return locks.making(name(name), whenBusy);
    }

    /** A lock that is held until it is closed. */
    @FunctionalInterface
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * A fresh folder inside the store to make something in.
     *
     * @param about what is made there, for people
     */
    public Workspace workspace(String about) {
        return workspace(about, StepHook.NONE);
    }

    /** With somebody who is told of each step. */
    public Workspace workspace(String about, StepHook hook) {
        try {
            BuildJournal journal;
            try (var _ = locks.store()) {
                journal = BuildJournal.begin(builds, undoing, hook);
            }
            return Workspace.create(about, journal);
        } catch (IOException e) {
            throw Workspace.notMade(e);
        }
    }

    /**
     * Takes a finished file in, under its content's name, and notes what it was made from. The key is written first: the moment in which
     * the file has its name is the one from which on it is found.
     *
     * @param workspace where it was made
     * @param file in that workspace; it is moved
     */
    public StoredFile add(Workspace workspace, Path file, String name, String key, Map<String, String> notes) {
        try {
            String digest = Digests.of(file);
            long bytes = Files.size(file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
            StoreFiles.flush(file);
            Path target = file(digest);
            BuildJournal journal = workspace.journal();
            Path keyFile = keyFile(name, key);
            var thing = new Thing(Thing.Kind.KEY, keyFile.getFileName().toString(), name);
            journal.intend(thing);
            try (var _ = locks.store()) {
                json.write(keyFile, new Key(name, key, digest, bytes, Map.copyOf(notes)));
                journal.hook().before("take in " + name);
                Files.move(file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                StoreFiles.flush(files);
                journal.hook().after("take in " + name);
            }
            journal.kept(thing);
            return new StoredFile(name, key, digest, target, bytes, notes);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, name + " could not be taken into the store", e);
        }
    }

    /**
     * Writes an image down. The same parts are the same image: its id and the time of its creation stay.
     *
     * @param recipe the recipe's name, and the alias that may point at it
     * @return the image; no alias points at it yet
     */
    public Image save(
            String recipe,
            StoredFile kernel,
            StoredFile initramfs,
            List<StoredFile> layers,
            List<String> kernelArguments) {
        List<ManifestLayer> manifestLayers = layers.stream()
                .map(layer -> new ManifestLayer(
                        layer.name(),
                        layer.digest(),
                        UUID.fromString(layer.notes().getOrDefault("uuid", "")),
                        layer.bytes()))
                .toList();
        var parts = new StringBuilder(
                "image 1\n" + name(recipe) + "\n" + kernel.digest() + "\n" + initramfs.digest() + "\n");
        manifestLayers.forEach(layer ->
                parts.append(layer.name()).append(' ').append(layer.digest()).append('\n'));
        kernelArguments.forEach(argument -> parts.append(argument).append('\n'));
        String id = Digests.of(parts.toString()).substring(0, 16);
        var manifest = new Manifest(
                id,
                recipe,
                Instant.now().toString(),
                kernel.digest(),
                initramfs.digest(),
                manifestLayers,
                List.copyOf(kernelArguments));
        try (var _ = locks.store()) {
            Path file = manifests.resolve(id + ".json");
            if (!Files.exists(file)) {
                json.write(file, manifest);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the image " + id + " could not be written down", e);
        }
        return byId(id).orElseThrow(() -> new IllegalStateException("the manifest just written is gone"));
    }

    /**
     * Makes an image the current one of its recipe's alias.
     *
     * @throws FailureException {@link CauseCode#IMAGE_MISSING} when it is not in this store, or a file of it is gone
     */
    public void promote(Image image) {
        Image known = byId(image.id())
                .orElseThrow(() ->
                        FailureException.of(CauseCode.IMAGE_MISSING, "Image " + image.id() + " is not in the store."));
        for (Path file : filesOf(known)) {
            if (!Files.isRegularFile(file)) {
                throw FailureException.of(
                        CauseCode.IMAGE_MISSING, "Image " + image.id() + " lacks the file " + file.getFileName() + ".");
            }
        }
        changeAlias(known.recipe(), history -> {
            List<String> next = new ArrayList<>(history);
            next.remove(known.id());
            next.addFirst(known.id());
            return next.subList(0, Math.min(next.size(), HISTORY));
        });
    }

    /**
     * Points an alias back at the image before the current one, which leaves its history.
     *
     * @return the image that is current now
     * @throws FailureException {@link CauseCode#CONFLICT} when there is none before
     */
    public Image rollback(String alias) {
        List<String> now = changeAlias(alias, history -> {
            if (history.size() < 2) {
                throw FailureException.of(CauseCode.CONFLICT, "The alias " + alias + " has no earlier image.");
            }
            // An image that cannot be read must not become current.
            pointedAt(alias, history.get(1));
            return history.subList(1, history.size());
        });
        return pointedAt(alias, now.getFirst());
    }

    /**
     * What a prune removed.
     *
     * @param images ids of images
     * @param files how many files
     * @param bytes of these files
     */
    public record Pruned(List<String> images, int files, long bytes) {}

    /**
     * Removes images that no alias remembers, and files that no image and no kernel in use needs.
     *
     * @param alsoKeep ids of images that machines or templates still use
     * @param alsoKeepFiles files that are used without an image, such as the newest kernel
     * @throws FailureException {@link CauseCode#CONFLICT} while something is being built
     */
    public Pruned prune(Collection<String> alsoKeep, Collection<Path> alsoKeepFiles) {
        try {
            FileLocks.Held alone = locks.nobodyBuilds()
                    .orElseThrow(() -> FailureException.of(CauseCode.CONFLICT, "An image is being built."));
            try (var _ = alone;
                    var _ = locks.store()) {
                return pruneAlone(Set.copyOf(alsoKeep), alsoKeepFiles);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store could not be pruned", e);
        }
    }

    private Pruned pruneAlone(Set<String> alsoKeep, Collection<Path> alsoKeepFiles) throws IOException {
        Set<String> keep = new HashSet<>(alsoKeep);
        for (Path alias : StoreFiles.list(aliases)) {
            json.read(alias, Alias.class).ifPresent(read -> keep.addAll(read.images()));
        }
        List<String> removed = new ArrayList<>();
        Set<String> neededFiles = new HashSet<>();
        alsoKeepFiles.forEach(file -> neededFiles.add(file.getFileName().toString()));
        for (Path manifest : StoreFiles.list(manifests)) {
            Manifest read =
                    json.read(manifest, Manifest.class).orElseThrow(() -> new NoSuchFileException(manifest.toString()));
            if (keep.contains(read.id())) {
                filesOf(image(read))
                        .forEach(file -> neededFiles.add(file.getFileName().toString()));
            } else {
                Files.delete(manifest);
                removed.add(read.id());
            }
        }
        int count = 0;
        long bytes = 0;
        for (Path file : StoreFiles.list(files)) {
            if (!neededFiles.contains(file.getFileName().toString())) {
                bytes += Files.size(file);
                count++;
                Files.delete(file);
            }
        }
        for (Path key : StoreFiles.list(keys)) {
            String digest = json.read(key, Key.class).map(Key::digest).orElse("");
            if (!DIGEST.matcher(digest).matches() || !Files.exists(file(digest))) {
                Files.deleteIfExists(key);
            }
        }
        return new Pruned(List.copyOf(removed), count, bytes);
    }

    // ---- files

    private interface HistoryChange {
        List<String> of(List<String> history);
    }

    private List<String> changeAlias(String alias, HistoryChange change) {
        Path file = aliases.resolve(name(alias) + ".json");
        try (var _ = locks.store()) {
            List<String> next = List.copyOf(change.of(history(alias)));
            json.write(file, new Alias(next));
            return next;
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the alias " + alias + " could not be changed", e);
        }
    }

    private Image pointedAt(String alias, String id) {
        return byId(id).orElseThrow(() -> FailureException.of(
                CauseCode.IMAGE_UNSOUND, "The alias " + alias + " points at image " + id + ", which is not there."));
    }

    private Image image(Manifest manifest) {
        return new Image(
                manifest.id(),
                manifest.recipe(),
                Instant.parse(manifest.created()),
                file(manifest.kernel()),
                file(manifest.initramfs()),
                manifest.layers().stream()
                        .map(layer -> new Layer(
                                layer.name(), layer.digest(), layer.uuid(), file(layer.digest()), layer.bytes()))
                        .toList(),
                manifest.kernelArguments());
    }

    private static List<Path> filesOf(Image image) {
        List<Path> all = new ArrayList<>(List.of(image.kernel(), image.initramfs()));
        image.layers().forEach(layer -> all.add(layer.file()));
        return all;
    }

    private Path file(String digest) {
        if (!DIGEST.matcher(digest).matches()) {
            throw FailureException.of(CauseCode.IMAGE_UNSOUND, "'" + digest + "' is not a digest.");
        }
        return files.resolve(digest);
    }

    private Path keyFile(String name, String key) {
        if (!DIGEST.matcher(key).matches()) {
            throw new IllegalArgumentException("'" + key + "' is not a key");
        }
        return keys.resolve(name(name) + "-" + key + ".json");
    }

    private static String name(String name) {
        if (!NAME.matcher(name).matches()) {
            throw FailureException.of(CauseCode.NOT_FOUND, "'" + name + "' is not a name of an image or layer.");
        }
        return name;
    }

    private record Alias(List<String> images) {
        private Alias {
            images = List.copyOf(images);
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    private record Key(String name, String key, String digest, long bytes, Map<String, String> notes) {}

    private record ManifestLayer(String name, String digest, UUID uuid, long bytes) {}

    private record Manifest(
            String id,
            String recipe,
            String created,
            String kernel,
            String initramfs,
            List<ManifestLayer> layers,
            List<String> kernelArguments) {}
}
