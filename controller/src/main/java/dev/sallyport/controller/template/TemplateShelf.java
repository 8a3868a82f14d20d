package dev.sallyport.controller.template;

import dev.sallyport.controller.pool.Template;
import dev.sallyport.controller.pool.TemplateSource;
import dev.sallyport.controller.template.TemplateFolders.Kept;
import dev.sallyport.image.Failures;
import dev.sallyport.image.FileLocks;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The templates that there are on this host, and what became of those who began from them. */
public final class TemplateShelf implements TemplateSource {
    private static final Logger LOG = LoggerFactory.getLogger(TemplateShelf.class);

    private final TemplateFolders folders;
    private final InstantSource clock;
    /** Why there is none, by kind, in the words of who makes them. */
    private final Map<VmType, String> states = new ConcurrentHashMap<>();
    /** Of what key the last one of a kind was that was asked for. */
    private final Map<VmType, TemplateKey> keys = new ConcurrentHashMap<>();

    private final LongAdder restored = new LongAdder();
    private final LongAdder unusable = new LongAdder();
    private volatile Listener listener = new Listener() {};

    /** Told of what becomes of templates; it must return at once. */
    interface Listener {
        default void worked(VmType type) {}

        default void unusable(VmType type) {}
    }

    /**
     * @param cache the cache folder
     * @throws FailureException DISK_FULL or TEMPLATE_FAILED when its folders cannot be made
     */
    public TemplateShelf(Path cache, InstantSource clock) {
        try {
            this.folders = new TemplateFolders(cache);
        } catch (IOException e) {
            throw Failures.of(
                    CauseCode.TEMPLATE_FAILED, "the folder of templates in " + cache + " could not be made", e);
        }
        this.clock = clock;
    }

    @Override
    public Found find(VmType type, TemplateKey key) throws InterruptedException {
        keys.put(type, key);
        if (folders.newest(key).isEmpty()) {
            return new Found.None(why(type, key));
        }
        try {
            FileLocks.Held held = folders.beginning(key);
            Optional<Kept> kept = folders.newest(key); // Looked at again, now that none is removed.
            if (kept.isEmpty()) {
                release(held);
                return new Found.None(why(type, key));
            }
            return new Found.Usable(new Template(key, kept.get().folder(), () -> release(held)));
        } catch (IOException e) {
            LOG.warn("The template {} could not be taken into use", key.digest(), e);
            return new Found.None("the template could not be taken into use: " + e.getMessage());
        }
    }

    private static void release(FileLocks.Held held) {
        try {
            held.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the lock of a template could not be given up", e);
        }
    }

    /** No template fits: because none is there, or because the one that is there is of something else. */
    private String why(VmType type, TemplateKey key) {
        String none = "no template yet: " + states.getOrDefault(type, "it is not made yet");
        return folders.all().stream()
                .filter(kept -> kept.manifest().kind().equals(type.wire()))
                .max(Comparator.comparing(Kept::madeAt))
                .map(kept -> "template does not fit: "
                        + differences(kept.manifest().templateKey(), key) + "; "
                        + states.getOrDefault(type, "it is made anew"))
                .orElse(none);
    }

    private static String differences(TemplateKey has, TemplateKey wanted) {
        return wanted.parts().entrySet().stream()
                .filter(part -> !part.getValue().equals(has.parts().get(part.getKey())))
                .map(part -> part.getKey() + " is " + part.getValue() + ", not "
                        + has.parts().getOrDefault(part.getKey(), "there"))
                .collect(Collectors.joining(", "));
    }

    @Override
    public void worked(VmType type, Template template) {
        restored.increment();
        listener.worked(type);
        try {
            folders.used(template.folder(), clock.instant());
        } catch (IOException e) {
            LOG.warn("When the template {} was used could not be taken down", template.folder(), e);
        }
    }

    @Override
    public void unusable(VmType type, Template template, Cause cause) {
        unusable.increment();
        LOG.warn("The template {} cannot be begun from: {} {}", template.key().digest(), cause.code(), cause.detail());
        try {
            folders.setAside(template.folder());
        } catch (IOException e) {
            LOG.error("The template {} could not be set aside", template.folder(), e);
        }
        states.put(type, "the one before could not be begun from, and it is made anew");
        listener.unusable(type);
    }

    /** Tells {@code told} from now on. */
    void tell(Listener told) {
        listener = told;
    }

    /** Says why there is no template of {@code type}, or no newer one. */
    void state(VmType type, String words) {
        states.put(type, words);
    }

    TemplateFolders folders() {
        return folders;
    }

    /** The newest template's age by the key that was asked for last; empty when there is none. */
    public Optional<Duration> age(VmType type) {
        TemplateKey key = keys.get(type);
        return key == null ? Optional.empty() : age(type, key);
    }

    Optional<Duration> age(VmType type, TemplateKey key) {
        keys.put(type, key);
        Instant now = clock.instant();
        return folders.newest(key).map(kept -> Duration.between(kept.madeAt(), now));
    }

    /** Machines that began from templates. */
    public long restored() {
        return restored.sum();
    }

    /** Those that could not, and booted. */
    public long unusable() {
        return unusable.sum();
    }
}
