package dev.sallyport.controller.template;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.image.FileLocks;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Templates on this host, below {@code templates/} of the cache folder:
 *
 * <pre>
 * KEYDIGEST/TIME-ID/     a whole template with its manifest.json; the newest is the one that machines begin from
 * unfinished-ID/         one that is being made, or removed
 * locks/                 lock files; never deleted
 * </pre>
 *
 * Whatever lies under a key is whole: it was made elsewhere, flushed, and renamed. Several controllers may use the same folder at
 * once: one makes at a time, and a template that a machine is just beginning from is not removed.
 */
final class TemplateFolders {
    private static final String MANIFEST = "manifest.json";
    private static final String UNFINISHED = "unfinished-";
    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern GENERATION = Pattern.compile("[0-9]{13}-[0-9a-f]{8}");
    /** How exactly it is known when a template was last used. */
    private static final Duration USED_EVERY = Duration.ofHours(1);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path root;
    private final Path locks;

    /** @param folder where it lies, whole */
    record Kept(Path folder, Manifest manifest, Instant usedAt) {
        Instant madeAt() {
            return Instant.parse(manifest.madeAt());
        }
    }

    /** @throws IOException when they cannot be made */
    TemplateFolders(Path cache) throws IOException {
        root = cache.toAbsolutePath().normalize().resolve("templates");
        locks = root.resolve("locks");
        Files.createDirectories(locks);
        // What a driver's other user is to read is that driver's to say; it must be able to pass through.
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx--x--x"));
    }

    /** The newest whole template of that key. */
    Optional<Kept> newest(TemplateKey key) {
        return generations(root.resolve(key.digest())).stream()
                .filter(kept -> kept.manifest().templateKey().equals(key))
                .findFirst();
    }

    /** The newest of each key. */
    List<Kept> all() {
        return digests().stream()
                .flatMap(digest -> generations(digest).stream().limit(1))
                .toList();
    }

    /** Held by who begins from a template of that key: none of them is removed meanwhile. */
    FileLocks.Held beginning(TemplateKey key) throws IOException, InterruptedException {
        return FileLocks.shared(locks.resolve("use-" + key.digest()));
    }

    /** Held by the one who makes templates, or removes what another left; empty while somebody else does. */
    Optional<FileLocks.Held> making() throws IOException {
        return FileLocks.tryExclusive(locks.resolve("making"));
    }

    /** An empty folder to make a template in. */
    Path begin() throws IOException {
        Path folder = Files.createDirectory(root.resolve(UNFINISHED + name()));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        return folder;
    }

    /** Takes a whole template in: the moment of the rename is the one from which on it is found. */
    void put(Path made, VmType kind, String image, TemplateKey key, Instant now) throws IOException {
        Map<String, Long> bytes = new TreeMap<>();
        for (Path file : list(made)) {
            bytes.put(file.getFileName().toString(), Files.size(file));
            flush(file);
        }
        Path manifest = made.resolve(MANIFEST);
        Files.write(
                manifest, JSON.writeValueAsBytes(new Manifest(kind.wire(), image, now.toString(), bytes, key.parts())));
        flush(manifest);
        flush(made);
        Path ofKey = root.resolve(key.digest());
        Files.createDirectories(ofKey);
        Files.setPosixFilePermissions(ofKey, PosixFilePermissions.fromString("rwx--x--x"));
        Files.move(made, ofKey.resolve(name()), StandardCopyOption.ATOMIC_MOVE);
        flush(ofKey);
    }

    /** Takes a template away from under its key; harmless when somebody else has. */
    void setAside(Path folder) throws IOException {
        try {
            Files.move(folder, root.resolve(UNFINISHED + name()), StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            // Another start has met the same.
        }
    }

    /** Takes down that it is in use. */
    void used(Path folder, Instant now) throws IOException {
        Path manifest = folder.resolve(MANIFEST);
        if (Files.exists(manifest)
                && Files.getLastModifiedTime(manifest)
                        .toInstant()
                        .plus(USED_EVERY)
                        .isBefore(now)) {
            Files.setLastModifiedTime(manifest, FileTime.from(now));
        }
    }

    /** Removes what is neither whole nor being made. For who holds {@link #making}. */
    void removeUnfinished() throws IOException {
        for (Path left : list(root)) {
            if (left.getFileName().toString().startsWith(UNFINISHED)) {
                remove(left);
            }
        }
    }

    /**
     * Removes templates that newer ones have replaced, those of other images, and those that were not used since {@code unused}; not
     * one that a machine is just beginning from. For who holds {@link #making}.
     *
     * @param images the ids of the images that machines are made from
     */
    void prune(Set<String> images, Instant unused) throws IOException {
        for (Path ofKey : digests()) {
            List<Kept> kept = generations(ofKey);
            List<Path> old = new ArrayList<>();
            for (Kept one : kept) {
                if (!one.equals(kept.getFirst())
                        || !images.contains(one.manifest().image())
                        || one.usedAt().isBefore(unused)) {
                    old.add(one.folder());
                }
            }
            if (!old.isEmpty()) {
                try (FileLocks.Held held = FileLocks.tryExclusive(locks.resolve("use-" + ofKey.getFileName()))
                        .orElse(null)) {
                    for (Path each : held == null ? List.<Path>of() : old) {
                        setAside(each);
                    }
                }
            }
            if (list(ofKey).isEmpty()) {
                Files.delete(ofKey);
            }
        }
        removeUnfinished();
    }

    private List<Path> digests() {
        try {
            return list(root).stream()
                    .filter(path ->
                            DIGEST.matcher(path.getFileName().toString()).matches())
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** The newest first; none where there is no such folder. */
    private static List<Kept> generations(Path ofKey) {
        List<Path> folders;
        try {
            folders = list(ofKey).stream()
                    .filter(path ->
                            GENERATION.matcher(path.getFileName().toString()).matches())
                    .sorted(Comparator.reverseOrder())
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
        return folders.stream().flatMap(folder -> read(folder).stream()).toList();
    }

    private static Optional<Kept> read(Path folder) {
        Path manifest = folder.resolve(MANIFEST);
        try {
            return Optional.of(new Kept(
                    folder,
                    JSON.readValue(Files.readAllBytes(manifest), Manifest.class),
                    Files.getLastModifiedTime(manifest).toInstant()));
        } catch (JacksonException e) {
            return Optional.empty(); // Not one of ours, or of a later version.
        } catch (IOException e) {
            return Optional.empty(); // Set aside while it was looked at.
        }
    }

    private static String name() {
        return "%013d-%s"
                .formatted(
                        System.currentTimeMillis(), UUID.randomUUID().toString().substring(0, 8));
    }

    private static List<Path> list(Path folder) throws IOException {
        try (var all = Files.list(folder)) {
            return all.toList();
        }
    }

    static void remove(Path tree) throws IOException {
        try (var all = Files.walk(tree)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (NoSuchFileException e) {
            // Removed by somebody else.
        }
    }

    private static void flush(Path path) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
