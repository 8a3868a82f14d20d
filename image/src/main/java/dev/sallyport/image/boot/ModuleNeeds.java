package dev.sallyport.image.boot;

import dev.sallyport.image.tree.Tree;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Says which kernel modules a boot needs and does not have. */
public final class ModuleNeeds {
    /** What Debian's kernel for clouds, which our images have, needs no module for. */
    public static final Set<String> OURS_BUILT_IN = Set.of("ext4", "jbd2", "mbcache", "acpi", "pci");

    private static final int MAX_LIST = 1 << 20;

    private ModuleNeeds() {}

    /** How a machine's devices are reached. */
    public enum Transport {
        MMIO("virtio_mmio"),
        PCI("virtio_pci");

        private final String module;

        Transport(String module) {
            this.module = module;
        }
    }

    /**
     * What is missing.
     *
     * @param modules names with {@code _} for {@code -}, sorted; with what the needed ones depend on
     * @param builtInKnown whether any list of what is built into the kernel was found or given; without one, a module that is
     *     called missing may be built in
     */
    public record Missing(List<String> modules, boolean builtInKnown) {
        public Missing {
            modules = List.copyOf(modules);
        }
    }

    /** The modules that a machine of ours needs until its root file system is there. */
    public static List<String> ofMachine(Transport transport) {
        return List.of(transport.module, "virtio_blk", "virtio_net", "erofs", "overlay", "ext4");
    }

    /**
     * Which of {@code needed} are neither in the initramfs nor built in.
     *
     * @param root the root file system, for its kernel's list of what is built in; null when there is none
     * @param builtIn what is known to be built in
     */
    public static Missing missing(
            Collection<String> needed, InitramfsFile initramfs, @Nullable Tree root, Set<String> builtIn)
            throws IOException {
        Set<String> there = new HashSet<>();
        builtIn.forEach(name -> there.add(plain(name)));
        Map<String, List<String>> dependencies = new HashMap<>();
        for (String release : releases(initramfs, root)) {
            String folder = "lib/modules/" + release + "/";
            first(initramfs, folder + "modules.dep").ifPresent(text -> dependencies(text, dependencies));
            Optional<String> list = first(initramfs, folder + "modules.builtin");
            if (list.isEmpty() && root != null) {
                list = ofTree(root, "/" + folder + "modules.builtin");
            }
            list.ifPresent(text -> text.lines().forEach(line -> there.add(module(line))));
        }
        boolean known = !there.isEmpty();
        there.addAll(initramfs.modules());
        Set<String> missing = new TreeSet<>();
        for (String name : needed) {
            if (!there.contains(plain(name))) {
                missing.add(plain(name));
                continue;
            }
            for (String other : dependencies.getOrDefault(plain(name), List.of())) {
                if (!there.contains(other)) {
                    missing.add(other);
                }
            }
        }
        return new Missing(List.copyOf(missing), known);
    }

    /** Says so, in one sentence, when no module in the initramfs is one of this kernel; empty as well when either does not tell. */
    public static Optional<String> mismatch(KernelFile kernel, InitramfsFile initramfs) {
        if (kernel.release().isEmpty()
                || initramfs.releases().isEmpty()
                || initramfs.releases().contains(kernel.release().get())) {
            return Optional.empty();
        }
        return Optional.of("The kernel is " + kernel.release().get() + ", and the initramfs has modules of "
                + String.join(", ", initramfs.releases()) + ".");
    }

    private static Set<String> releases(InitramfsFile initramfs, @Nullable Tree root) throws IOException {
        if (!initramfs.releases().isEmpty() || root == null) {
            return initramfs.releases();
        }
        return new TreeSet<>(root.names("/lib/modules"));
    }

    private static Optional<String> first(InitramfsFile initramfs, String path) {
        return initramfs.text(path).or(() -> initramfs.text("usr/" + path));
    }

    private static Optional<String> ofTree(Tree root, String path) throws IOException {
        Optional<Tree.Entry> file = root.find(path);
        if (file.isEmpty()) {
            file = root.find("/usr" + path);
        }
        return file.isEmpty() ? Optional.empty() : Optional.of(file.get().text(MAX_LIST));
    }

    /** Lines of modules.dep(5): a file, a colon, and the files that it needs. */
    private static void dependencies(String text, Map<String, List<String>> into) {
        text.lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0) {
                into.put(
                        module(line.substring(0, colon)),
                        java.util.Arrays.stream(
                                        line.substring(colon + 1).strip().split("\\s+"))
                                .filter(file -> !file.isEmpty())
                                .map(ModuleNeeds::module)
                                .toList());
            }
        });
    }

    /** The name of a module's file. */
    private static String module(String file) {
        String name = file.substring(file.lastIndexOf('/') + 1).strip();
        int end = name.indexOf(".ko");
        return plain(end < 0 ? name : name.substring(0, end));
    }

    private static String plain(String name) {
        return name.replace('-', '_');
    }
}
