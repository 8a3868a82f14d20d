package dev.sallyport.image.build;

import dev.sallyport.image.recipe.KernelRecipe;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/** Takes kernel, modules and busybox out of Debian's packages. */
final class KernelMaker {
    private static final Pattern MODULE =
            Pattern.compile("(?:\\./)?(?:usr/)?lib/modules/([^/]+)/kernel/.*/([^/]+)\\.ko");
    private static final Pattern KERNEL = Pattern.compile("(?:\\./)?boot/vmlinuz-([^/]+)");
    private static final Pattern BUSYBOX = Pattern.compile("(?:\\./)?(?:usr/)?bin/busybox");
    private static final Duration AT_MOST = Duration.ofMinutes(20);
    private static final int MAX_FILE = 64 << 20;

    private KernelMaker() {}

    /**
     * What was taken out.
     *
     * @param kernel the file of the uncompressed kernel
     * @param parts the file of the archive with busybox and modules that {@link Initramfs} is made from
     * @param version the kernel's release
     */
    record Made(Path kernel, Path parts, String version) {}

    static Made make(KernelRecipe recipe, Making making) throws IOException, InterruptedException {
        Path tar = making.folder().resolve("kernel.tar");
        making.progress().running("downloading packages", 5, -1);
        List<String> command = new ArrayList<>(List.of(
                "mmdebstrap",
                "--variant=extract",
                "--include=" + String.join(",", recipe.packages()),
                "--aptopt=Acquire::Retries \"3\"",
                recipe.suite(),
                tar.toString()));
        making.commands()
                .run(new Commands.Command(command, Map.of("TMPDIR", Mmdebstrap.temporary(making)), AT_MOST, said -> {
                    if (said.contains("extracting archives")) {
                        making.progress().running("extracting packages", 50, -1);
                    }
                }));
        making.progress().running("taking the kernel out", 70, -1);
        byte @Nullable [] image = null;
        byte @Nullable [] busybox = null;
        String version = "";
        Map<String, byte[]> modules = new TreeMap<>();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(tar), 1 << 18);
                var entries = new TarArchiveInputStream(file)) {
            for (TarArchiveEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                if (!entry.isFile() || entry.getSize() > MAX_FILE) {
                    continue;
                }
                Matcher module = MODULE.matcher(entry.getName());
                Matcher kernel = KERNEL.matcher(entry.getName());
                if (module.matches()) {
                    modules.put(module.group(2).replace('-', '_'), entries.readAllBytes());
                } else if (kernel.matches()) {
                    image = entries.readAllBytes();
                    version = kernel.group(1);
                } else if (BUSYBOX.matcher(entry.getName()).matches()) {
                    busybox = entries.readAllBytes();
                }
            }
        }
        Files.delete(tar);
        if (image == null || busybox == null) {
            throw FailureException.of(
                    CauseCode.IMAGE_BUILD_FAILED,
                    "The packages " + recipe.packages() + " hold no " + (image == null ? "kernel." : "busybox."));
        }
        Path kernel = making.folder().resolve("vmlinux");
        uncompress(image, kernel, making);
        Path parts = making.folder().resolve("parts.cpio");
        writeParts(parts, version, busybox, wanted(recipe.modules(), modules));
        return new Made(kernel, parts, version);
    }

    private static void uncompress(byte[] image, Path kernel, Making making) throws IOException, InterruptedException {
        BzImage.Payload payload = BzImage.payload(image);
        switch (payload.compression()) {
            case NONE, GZIP, LZ4 -> Files.write(kernel, payload.decompress());
            case XZ, ZSTD -> {
                Path compressed = making.folder().resolve("vmlinux.compressed");
                try (OutputStream out = Files.newOutputStream(compressed)) {
                    payload.write(out);
                }
                String program = payload.compression() == BzImage.Compression.XZ ? "xz" : "zstd";
                making.commands()
                        .run(new Commands.Command(
                                List.of(
                                        "sh",
                                        "-c",
                                        program + " -q -d -c <\"$1\" >\"$2\"",
                                        "sh",
                                        compressed.toString(),
                                        kernel.toString()),
                                AT_MOST));
                Files.delete(compressed);
            }
        }
        byte[] magic = new byte[4];
        try (InputStream in = Files.newInputStream(kernel)) {
            if (in.readNBytes(magic, 0, 4) != 4
                    || magic[0] != 0x7f
                    || magic[1] != 'E'
                    || magic[2] != 'L'
                    || magic[3] != 'F') {
                throw FailureException.of(CauseCode.IMAGE_BUILD_FAILED, "What the bzImage holds is not an ELF kernel.");
            }
        }
    }

    /** The wanted modules with all that they depend on. */
    private static Map<String, byte[]> wanted(List<String> names, Map<String, byte[]> all) throws IOException {
        Map<String, byte[]> chosen = new TreeMap<>();
        List<String> open = new ArrayList<>(names);
        Set<String> seen = new LinkedHashSet<>();
        while (!open.isEmpty()) {
            String name = open.removeLast().replace('-', '_');
            if (!seen.add(name)) {
                continue;
            }
            byte[] module = all.get(name);
            if (module == null) {
                throw FailureException.of(CauseCode.IMAGE_BUILD_FAILED, "The kernel has no module '" + name + "'.");
            }
            chosen.put(name, module);
            open.addAll(KernelModule.dependencies(module));
        }
        return chosen;
    }

    private static void writeParts(Path parts, String version, byte[] busybox, Map<String, byte[]> modules)
            throws IOException {
        String folder = "lib/modules/" + version;
        var dependencies = new StringBuilder();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(parts));
                var cpio = new Cpio(out)) {
            for (String path : List.of("bin", "lib", "lib/modules", folder)) {
                cpio.folder(path, 0755);
            }
            cpio.file("bin/busybox", 0755, busybox);
            cpio.link("bin/sh", "busybox");
            for (Map.Entry<String, byte[]> module : modules.entrySet()) {
                cpio.file(folder + "/" + module.getKey() + ".ko", 0644, module.getValue());
                dependencies.append(module.getKey()).append(".ko:");
                for (String needed : closure(module.getKey(), modules)) {
                    dependencies.append(' ').append(needed).append(".ko");
                }
                dependencies.append('\n');
            }
            cpio.file(
                    folder + "/modules.dep",
                    0644,
                    dependencies.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
    }

    /** All that a module needs, what needs most first: the order of modules.dep(5). */
    private static List<String> closure(String module, Map<String, byte[]> modules) throws IOException {
        Set<String> order = new LinkedHashSet<>();
        add(module, modules, order);
        List<String> reversed = new ArrayList<>(order);
        reversed.remove(module);
        return reversed.reversed();
    }

    /** Depth first: what is needed is added before what needs it. */
    private static void add(String module, Map<String, byte[]> modules, Set<String> order) throws IOException {
        byte[] file = modules.get(module);
        if (file == null) {
            return;
        }
        for (String needed : KernelModule.dependencies(file)) {
            add(needed.replace('-', '_'), modules, order);
        }
        order.add(module);
    }
}
