package dev.sallyport.image.build;

import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import dev.sallyport.image.recipe.LayerRecipe.User;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Makes root file systems of Debian packages with mmdebstrap(1). All that touches the root file system is done by its hooks, so that
 * it works alike as root and in a user namespace; and nothing is mounted but by mmdebstrap itself, in a namespace of its own.
 */
final class DebianMaker {
    private static final Duration AT_MOST = Duration.ofMinutes(60);
    /** Where our things lie in the root file system while it is being made. */
    private static final String OURS = "/.sallyport";

    /** Never unpacked: nobody reads them in a machine. Licences stay. */
    private static final List<String> UNPACKED = List.of(
            "path-exclude=/usr/share/man/*",
            "path-exclude=/usr/share/doc/*",
            "path-include=/usr/share/doc/*/copyright",
            "path-exclude=/usr/share/locale/*",
            "path-exclude=/usr/share/info/*",
            "path-exclude=/usr/share/lintian/*",
            "path-exclude=/usr/share/linda/*",
            "path-exclude=/usr/share/bug/*",
            "path-exclude=/usr/share/help/*");

    /** What package managers leave, what is the host's, and what differs between two builds of the same. */
    private static final List<String> ALWAYS_REMOVED = List.of(
            "/var/lib/apt/lists/*",
            "/var/lib/apt/extended_states",
            "/var/cache/apt/*",
            "/var/cache/debconf/*",
            "/var/cache/ldconfig/*",
            "/var/lib/dpkg/info/*",
            "/var/lib/dpkg/*-old",
            "/var/lib/systemd/catalog/database",
            "/var/log/*",
            "/etc/apt/sources.list",
            "/etc/apt/sources.list.d/*",
            "/etc/apt/apt.conf.d/99mmdebstrap",
            "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
            "/etc/passwd-",
            "/etc/group-",
            "/etc/shadow-",
            "/etc/gshadow-",
            "/etc/resolv.conf",
            "/etc/hostname",
            "/etc/machine-id",
            "/var/lib/dbus/machine-id",
            "/etc/ssl/private/ssl-cert-snakeoil.key",
            "/root/.*history",
            "/tmp/*",
            "/run/*");

    private static final Pattern TO_GET = Pattern.compile("Need to get ([0-9.,]+) ([kMG]?)B(?:/.*)? of archives.*");
    private static final Pattern NEW = Pattern.compile("\\d+ upgraded, (\\d+) newly installed.*");

    private DebianMaker() {}

    static Path make(Debian recipe, String key, Making making) throws IOException, InterruptedException {
        Path finish = making.folder().resolve("finish.tar");
        Path files = making.folder().resolve("files.tar");
        writeFinish(recipe, finish);
        writeFiles(recipe, files);
        Path layer = making.folder().resolve("layer.erofs");
        Path archives = Files.createDirectories(making.downloads().resolve("apt"));
        Path fetched = Files.createDirectory(making.folder().resolve("fetched"));
        var meter = new Meter(making.progress());
        making.commands()
                .run(new Commands.Command(
                        command(recipe, key, finish, files, layer, archives, fetched),
                        Map.of("TMPDIR", Mmdebstrap.temporary(making), "SOURCE_DATE_EPOCH", Long.toString(Erofs.TIME)),
                        AT_MOST,
                        meter::heard));
        keep(fetched, archives);
        return layer;
    }

    private static List<String> command(
            Debian recipe, String key, Path finish, Path files, Path layer, Path archives, Path fetched) {
        List<String> command = new ArrayList<>(List.of(
                "mmdebstrap",
                "--verbose",
                "--variant=essential",
                "--format=null",
                "--include=" + String.join(",", recipe.packages()),
                "--aptopt=Acquire::Retries \"3\"",
                "--aptopt=Acquire::Languages \"none\"",
                "--aptopt=APT::Install-Recommends \"false\"",
                "--dpkgopt=force-unsafe-io",
                // Archives that were fetched for another layer, or earlier, are used again; they stay until ours are
                // taken out.
                "--skip=essential/unlink,download/empty,cleanup/apt"));
        UNPACKED.forEach(path -> command.add("--dpkgopt=" + path));
        command.addAll(List.of(
                "--setup-hook=mkdir -p \"$1/var/cache/apt/archives\"",
                "--setup-hook=sync-in " + quoted(archives) + " /var/cache/apt/archives",
                "--customize-hook=echo sallyport: keeping",
                "--customize-hook=sync-out /var/cache/apt/archives " + quoted(fetched),
                "--customize-hook=echo sallyport: finishing",
                "--customize-hook=tar-in " + quoted(finish) + " /",
                "--customize-hook=chroot \"$1\" /bin/sh " + OURS + "/finish",
                "--customize-hook=tar-in " + quoted(files) + " /",
                "--customize-hook=echo sallyport: writing",
                // Inside, where owners are what they shall be. What is mounted there meanwhile is not part of the
                // layer.
                "--customize-hook=" + String.join(" ", Erofs.options(key))
                        + " '--exclude-regex=^(dev|proc|sys|run|tmp)/.*' '--exclude-path=" + OURS.substring(1)
                        + "' \"$1" + OURS + "/layer\" \"$1\"",
                "--customize-hook=download " + OURS + "/layer " + quoted(layer),
                recipe.suite(),
                "/dev/null"));
        return command;
    }

    /** mmdebstrap splits the arguments of its own hooks as a shell does. */
    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "'\\''") + "'";
    }

    /** What was fetched is kept under the packages' names, each whole from the moment that it is there. */
    private static void keep(Path fetched, Path archives) throws IOException {
        try (DirectoryStream<Path> packages = Files.newDirectoryStream(fetched, "*.deb")) {
            for (Path file : packages) {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
                Files.move(
                        file,
                        archives.resolve(file.getFileName().toString()),
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    // ---- what is put into the root file system

    private static void writeFinish(Debian recipe, Path to) throws IOException {
        try (var tar = tar(to)) {
            folder(tar, OURS, 0, 0700);
            file(tar, OURS + "/finish", 0700, script(recipe));
        }
    }

    private static void writeFiles(Debian recipe, Path to) throws IOException {
        try (var tar = tar(to)) {
            for (FileRecipe file : recipe.files()) {
                file(tar, file.path(), Integer.parseInt(file.mode(), 8), file.content());
            }
            for (Map.Entry<String, String> link : recipe.links().entrySet()) {
                link(tar, link.getKey(), link.getValue());
            }
            for (String unit : recipe.masked()) {
                link(tar, "/etc/systemd/system/" + unit, "/dev/null");
            }
            for (User user : recipe.users()) {
                folder(tar, user.home(), user.uid(), 0700);
                for (String folder : user.folders()) {
                    folder(tar, folder, user.uid(), 0700);
                }
            }
        }
    }

    private static TarArchiveOutputStream tar(Path to) throws IOException {
        var tar = new TarArchiveOutputStream(new BufferedOutputStream(Files.newOutputStream(to)), "UTF-8");
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        return tar;
    }

    /** Runs in the root file system, with nothing but what every Debian has. */
    private static String script(Debian recipe) {
        var script = new StringBuilder("set -eu\n");
        for (User user : recipe.users()) {
            String id = Integer.toString(user.uid());
            script.append(line("/etc/passwd", user.name() + ":x:" + id + ":" + id + "::" + user.home() + ":/bin/bash"));
            script.append(line("/etc/group", user.name() + ":x:" + id + ":"));
            script.append(line("/etc/shadow", user.name() + ":!:20000:0:99999:7:::"));
            script.append(line("/etc/gshadow", user.name() + ":!::"));
        }
        List<String> removed = new ArrayList<>(recipe.removed());
        removed.addAll(ALWAYS_REMOVED);
        removed.forEach(path -> script.append("rm -rf -- ").append(path).append('\n'));
        // Its caches hold the folders' times, which must be those of the layer.
        script.append("if command -v fc-cache >/dev/null; then\n")
                .append("  for folder in /usr/share/fonts /usr/local/share/fonts; do\n")
                .append("    if [ -d $folder ]; then find -L $folder -exec touch -d @" + Erofs.TIME + " {} +; fi\n")
                .append("  done\n")
                .append("  fc-cache -f -s\n")
                .append("fi\n");
        return script.toString();
    }

    private static String line(String file, String line) {
        return "echo '" + line + "' >>" + file + "\n";
    }

    private static void folder(TarArchiveOutputStream tar, String path, int owner, int mode) throws IOException {
        put(tar, new TarArchiveEntry("." + path + "/"), owner, mode, new byte[0]);
    }

    private static void file(TarArchiveOutputStream tar, String path, int mode, String content) throws IOException {
        put(tar, new TarArchiveEntry("." + path), 0, mode, content.getBytes(StandardCharsets.UTF_8));
    }

    private static void link(TarArchiveOutputStream tar, String path, String target) throws IOException {
        var entry = new TarArchiveEntry("." + path, TarConstants.LF_SYMLINK);
        entry.setLinkName(target);
        put(tar, entry, 0, 0777, new byte[0]);
    }

    private static void put(TarArchiveOutputStream tar, TarArchiveEntry entry, int owner, int mode, byte[] content)
            throws IOException {
        entry.setIds(owner, owner);
        entry.setMode(mode);
        entry.setModTime(FileTime.from(Instant.ofEpochSecond(Erofs.TIME)));
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    // ---- progress

    /** Reads apt's and dpkg's words: how much there is to fetch, unpack and set up, and how much of it is done. */
    static final class Meter {
        private final Progress progress;
        private int packages;
        private int unpacked;
        private int configured;
        private long bytes = -1;

        Meter(Progress progress) {
            this.progress = progress;
        }

        void heard(String line) {
            Matcher toGet = TO_GET.matcher(line);
            Matcher count = NEW.matcher(line);
            if (count.matches()) {
                packages += Integer.parseInt(count.group(1));
            } else if (toGet.matches()) {
                bytes = bytes(toGet.group(1), toGet.group(2));
                progress.running("downloading packages", 5, bytes);
            } else if (line.startsWith("Unpacking ")) {
                unpacked++;
                progress.running("unpacking packages", 25 + share(unpacked, 30), bytes);
            } else if (line.startsWith("Setting up ")) {
                configured++;
                progress.running("setting packages up", 55 + share(configured, 30), bytes);
            } else if (line.startsWith("I: running apt-get update")) {
                progress.running("reading the list of packages", 1, bytes);
            } else if (line.startsWith("sallyport: finishing")) {
                progress.running("adding accounts and units", 88, bytes);
            } else if (line.startsWith("sallyport: writing")) {
                progress.running("writing the layer", 92, bytes);
            }
        }

        private int share(int done, int of) {
            return packages == 0 ? 0 : Math.min(of, of * done / packages);
        }

        private static long bytes(String number, String unit) {
            double value = Double.parseDouble(number.replace(",", ""));
            return switch (unit) {
                case "k" -> (long) (value * 1e3);
                case "M" -> (long) (value * 1e6);
                case "G" -> (long) (value * 1e9);
                default -> (long) value;
            };
        }
    }
}
