package dev.sallyport.image.build;

import dev.sallyport.image.Digests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** All inputs of a part, each with its name and length so that no two sets of inputs read alike; its digest is the part's key. */
final class KeyText {
    private final StringBuilder text = new StringBuilder();

    KeyText(String makers) {
        add("makers", makers);
    }

    KeyText add(String name, String value) {
        int length = value.getBytes(StandardCharsets.UTF_8).length;
        text.append(name).append(' ').append(length).append('\n').append(value).append('\n');
        return this;
    }

    KeyText addAll(String name, List<String> values) {
        add(name, Integer.toString(values.size()));
        values.forEach(value -> add(name, value));
        return this;
    }

    KeyText addAll(String name, Map<String, String> values) {
        add(name, Integer.toString(values.size()));
        values.forEach((key, value) -> add(key, value));
        return this;
    }

    /** The names, kinds, modes and contents of all that is below {@code folder}. */
    KeyText addTree(String name, Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> walk = Files.walk(folder)) {
            all = walk.sorted().toList();
        }
        add(name, Integer.toString(all.size()));
        for (Path path : all) {
            String at = folder.relativize(path).toString();
            if (Files.isSymbolicLink(path)) {
                add(at, "link " + Files.readSymbolicLink(path));
            } else {
                String mode =
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
                add(at, Files.isDirectory(path) ? "folder " + mode : mode + " " + Digests.of(path));
            }
        }
        return this;
    }

    String key() {
        return Digests.of(text.toString());
    }
}
