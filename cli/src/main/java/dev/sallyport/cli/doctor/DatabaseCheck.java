package dev.sallyport.cli.doctor;

import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The database that Sallyport brings along. It is only looked at, neither started nor stopped. */
final class DatabaseCheck implements Check {
    /**
     * What was seen.
     *
     * @param programs versions of PostgreSQL that are unpacked in the cache, such as {@code 18.6.0}
     * @param folder where the data are, or would be
     * @param version of the data, such as {@code 18}; null when there are none
     * @param owner the data's; empty when there are none
     * @param mode the folder's permissions; empty when there are no data
     * @param password whether the file with the owner's password is there
     * @param server the server that works on the data, if one does
     * @param holder the controller that works on the data folder, if one does
     */
    record Seen(
            List<String> programs,
            Path folder,
            @Nullable String version,
            String owner,
            String mode,
            boolean password,
            Optional<Long> server,
            Optional<Holder> holder) {}

    private final Folders folders;

    DatabaseCheck(Folders folders) {
        this.folders = folders;
    }

    @Override
    public String name() {
        return "database";
    }

    @Override
    public List<Finding> look() throws IOException {
        Path folder = folders.data().resolve("postgres");
        boolean there = Files.isDirectory(folder);
        return List.of(judge(new Seen(
                programs(folders.cache().resolve("postgres")),
                folder,
                there ? Files.readString(folder.resolve("PG_VERSION")).strip() : null,
                there ? Paths.owner(folder) : "",
                there ? PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)) : "",
                Files.exists(folders.data().resolve("postgres-password")),
                there ? server(folder) : Optional.empty(),
                Holder.of(folders.data()))));
    }

    /** Each version is unpacked into a folder {@code VERSION-DIGEST}, which appears when it is whole. */
    private static List<String> programs(Path versions) throws IOException {
        var found = new ArrayList<String>();
        if (Files.isDirectory(versions)) {
            try (DirectoryStream<Path> folders = Files.newDirectoryStream(versions, "[0-9]*-*")) {
                for (Path each : folders) {
                    if (Files.isExecutable(each.resolve("bin/postgres"))) {
                        String name = String.valueOf(each.getFileName());
                        found.add(name.substring(0, name.indexOf('-')));
                    }
                }
            }
        }
        found.sort(Comparator.naturalOrder());
        return found;
    }

    /** The process of {@code postmaster.pid}, if it is a PostgreSQL server of that folder. */
    private static Optional<Long> server(Path folder) throws IOException {
        Path file = folder.resolve("postmaster.pid");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        String pid = Files.readString(file).lines().findFirst().orElse("").strip();
        Path process = Path.of("/proc").resolve(pid.matches("[1-9][0-9]{0,9}") ? pid : "none");
        if (!Files.isDirectory(process)) {
            return Optional.empty();
        }
        String command = Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1);
        return command.contains("postgres") && command.contains(folder.toString())
                ? Optional.of(Long.parseLong(pid))
                : Optional.empty();
    }

    static Finding judge(Seen seen) {
        String version = seen.version();
        if (version == null) {
            return Finding.ok(
                    seen.programs().isEmpty()
                            ? "No data yet; PostgreSQL is unpacked and its data are made at the first start."
                            : "No data yet; PostgreSQL " + String.join(", ", seen.programs()) + " is unpacked.");
        }
        if (!seen.password()) {
            return Finding.broken(
                    "The data in " + seen.folder() + " are there, but the file postgres-password beside them is gone.",
                    "Restore it from the backup of the data folder.");
        }
        if (!seen.mode().equals("rwx------") && !seen.mode().equals("rwxr-x---")) {
            return Finding.broken(
                    seen.folder() + " is " + seen.mode() + ", with which PostgreSQL refuses to start.",
                    "'chmod 0700 " + seen.folder() + "'.");
        }
        if (!seen.programs().isEmpty() && seen.programs().stream().noneMatch(each -> each.startsWith(version + "."))) {
            return Finding.broken(
                    "The data are of PostgreSQL " + version + ", the programs are " + String.join(", ", seen.programs())
                            + ".",
                    "Run the Sallyport that made the data, dump them (pg_dump), and restore them into a new data folder.");
        }
        String data =
                "PostgreSQL " + version + ", data in " + seen.folder() + " (" + seen.owner() + ", " + seen.mode() + ")";
        if (seen.holder().isPresent()) {
            String controller = "the controller (process " + seen.holder().get().pid() + ")";
            return seen.server().isPresent()
                    ? Finding.ok(data + "; " + controller + " runs its server, process "
                            + seen.server().get() + ".")
                    : Finding.broken(
                            data + "; " + controller + " runs, but its server does not.",
                            "See logs/postgres.log in the data folder, then end the controller and start it again.");
        }
        return seen.server().isPresent()
                ? Finding.warning(
                        data + "; its server, process " + seen.server().get() + ", has outlived its controller.",
                        "Nothing: the next start ends it and starts its own.")
                : Finding.ok(data + "; no server runs.");
    }
}
