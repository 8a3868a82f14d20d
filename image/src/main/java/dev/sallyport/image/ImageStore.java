package dev.sallyport.image;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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

/**
 * Images on this host, below {@code images/} of the cache folder:
 *
 * <pre>
 * files/SHA256       layers, kernels, initramfs archives: named by their content, read-only
 * keys/NAME-KEY.json what was made from which inputs, so that nothing is made twice
 * manifests/ID.json  images; never changed
 * aliases/NAME.json  which image {@code browser} and {@code cli} are, and were before: the first is the current one
 * work/              what is being made; swept when its owner is dead
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

    private final ObjectMapper json = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT);
    private final Path cache;
    private final Path files;
    private final Path keys;
    private final Path manifests;
    private final Path aliases;
    private final Path work;
    private final Path locks;

    private ImageStore(Path cache) {
        this.cache = cache;
        Path root = cache.resolve("images");
        files = root.resolve("files");
        keys = root.resolve("keys");
        manifests = root.resolve("manifests");
        aliases = root.resolve("aliases");
        work = root.resolve("work");
        locks = root.resolve("locks");
    }

    /**
     * Opens the store of a cache folder, making it when it is not there, and sweeps what builders left that were killed.
     *
     * @throws FailureException {@link CauseCode#DISK_FULL} or {@link CauseCode#IMAGE_BUILD_FAILED} when it cannot be made
     */
    public static ImageStore open(Path cacheFolder) {
        Path cache = cacheFolder.toAbsolutePath().normalize();
        var store = new ImageStore(cache);
        try {
            for (Path folder :
                    List.of(store.files, store.keys, store.manifests, store.aliases, store.work, store.locks)) {
                makeReadable(cache, folder);
            }
            try (var _ = store.lock()) {
                Workspace.sweep(store.work);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store " + cache + " could not be opened", e);
        }
        return store;
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
        return read(aliases.resolve(name(alias) + ".json"), Alias.class)
                .map(Alias::images)
                .orElse(List.of());
    }

    /** All images, the newest first. */
    public List<Image> images() {
        List<Image> all = new ArrayList<>();
        for (Path manifest : list(manifests)) {
            read(manifest, Manifest.class).ifPresent(read -> all.add(image(read)));
        }
        all.sort(Comparator.comparing(Image::created).reversed().thenComparing(Image::id));
        return List.copyOf(all);
    }

    /** The image with this id, if it is here. */
    public Optional<Image> byId(String id) {
        return ID.matcher(id).matches()
                ? read(manifests.resolve(id + ".json"), Manifest.class).map(this::image)
                : Optional.empty();
    }

    /** What was made under {@code name} from the inputs with this key, if it is still here. */
    public Optional<StoredFile> find(String name, String key) {
        return read(keyFile(name, key), Key.class)
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
        try {
            FileLocks.Held held = FileLocks.shared(locks.resolve("use"));
            return () -> release(held);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store's lock could not be taken", e);
        }
    }

    /**
     * Makes sure that one alone makes {@code name} at a time, in this process or another, waiting for who does.
     *
     * @param whenBusy called when there is one to wait for
     * @throws InterruptedException when the thread is interrupted meanwhile
     */
    public Use making(String name, Runnable whenBusy) throws InterruptedException {
        Path file = locks.resolve("make-" + name(name));
        try {
            Optional<FileLocks.Held> free = FileLocks.tryExclusive(file);
            if (free.isEmpty()) {
                whenBusy.run();
            }
            FileLocks.Held held = free.isPresent() ? free.get() : FileLocks.exclusive(file);
            return () -> release(held);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the lock of " + name + " could not be taken", e);
        }
    }

    /** A lock that is held until it is closed. */
    @FunctionalInterface
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /** A fresh folder inside the store to make things in. */
    public Workspace workspace() {
        try (var _ = lock()) {
            return Workspace.create(work);
        } catch (IOException e) {
            throw Workspace.notMade(e);
        }
    }

    /**
     * Takes a finished file in, under its content's name, and notes what it was made from.
     *
     * @param file in a {@link #workspace()}; it is moved
     */
    public StoredFile add(Path file, String name, String key, Map<String, String> notes) {
        try {
            String digest = Digests.of(file);
            long bytes = Files.size(file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
            flush(file);
            Path target = file(digest);
            try (var _ = lock()) {
                Files.move(file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                flush(files);
                write(keyFile(name, key), new Key(name, key, digest, bytes, Map.copyOf(notes)));
            }
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
        try (var _ = lock()) {
            Path file = manifests.resolve(id + ".json");
            if (!Files.exists(file)) {
                write(file, manifest);
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
            FileLocks.Held alone = FileLocks.tryExclusive(locks.resolve("use"))
                    .orElseThrow(() -> FailureException.of(CauseCode.CONFLICT, "An image is being built."));
            try (var _ = alone;
                    var _ = lock()) {
                return pruneAlone(Set.copyOf(alsoKeep), alsoKeepFiles);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store could not be pruned", e);
        }
    }

    private Pruned pruneAlone(Set<String> alsoKeep, Collection<Path> alsoKeepFiles) throws IOException {
        Set<String> keep = new HashSet<>(alsoKeep);
        for (Path alias : list(aliases)) {
            read(alias, Alias.class).ifPresent(read -> keep.addAll(read.images()));
        }
        List<String> removed = new ArrayList<>();
        Set<String> neededFiles = new HashSet<>();
        alsoKeepFiles.forEach(file -> neededFiles.add(file.getFileName().toString()));
        for (Path manifest : list(manifests)) {
            Manifest read =
                    read(manifest, Manifest.class).orElseThrow(() -> new NoSuchFileException(manifest.toString()));
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
        for (Path file : list(files)) {
            if (!neededFiles.contains(file.getFileName().toString())) {
                bytes += Files.size(file);
                count++;
                Files.delete(file);
            }
        }
        for (Path key : list(keys)) {
            String digest = read(key, Key.class).map(Key::digest).orElse("");
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
        try (var _ = lock()) {
            List<String> next = List.copyOf(change.of(history(alias)));
            write(file, new Alias(next));
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

    /** What is read or written below is short; nobody holds this lock for long, so waiting for it is not interrupted. */
    private FileLocks.Held lock() throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return FileLocks.exclusive(locks.resolve("store"));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void release(FileLocks.Held held) {
        try {
            held.close();
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a lock of the store could not be given up", e);
        }
    }

    private <T> Optional<T> read(Path file, Class<T> type) {
        try {
            return Optional.of(json.readValue(Files.readAllBytes(file), type));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            throw new FailureException(
                    Cause.of(CauseCode.IMAGE_UNSOUND, file + " is damaged: " + e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_UNSOUND, file + " could not be read", e);
        }
    }

    private void write(Path file, Object value) throws IOException {
        // In work/, where a sweep finds it should this process end here.
        Path fresh = work.resolve(UUID.randomUUID() + ".json");
        try {
            Files.write(fresh, json.writeValueAsBytes(value), StandardOpenOption.CREATE_NEW);
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
            flush(fresh);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            Path folder = file.getParent();
            if (folder != null) {
                flush(folder);
            }
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static void flush(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static List<Path> list(Path folder) {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(all::add);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_UNSOUND, folder + " could not be listed", e);
        }
        all.sort(Comparator.naturalOrder());
        return all;
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
