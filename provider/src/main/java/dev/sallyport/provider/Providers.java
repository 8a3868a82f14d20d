package dev.sallyport.provider;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.InvalidProvidersException.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All providers: those that come with Sallyport (resources {@code providers/*.yaml}), and those of an operator's own folder,
 * where a file whose id is one of Sallyport's takes its place. Each file is called {@code ID.yaml}.
 */
public final class Providers {
    private static final String FOLDER = "providers";
    private static final String SUFFIX = ".yaml";
    private static final int MAX_FILES = 200;

    private final Map<ProviderId, Provider> byId;

    private Providers(Map<ProviderId, Provider> byId) {
        this.byId = Collections.unmodifiableMap(byId);
    }

    /**
     * The providers that come with Sallyport.
     *
     * @throws InvalidProvidersException when their files are wrong
     */
    public static Providers builtIn() {
        return load(null);
    }

    /**
     * The providers that come with Sallyport, and the operator's own.
     *
     * @param folder the operator's folder; null, or a path where nothing is, when there is none
     * @throws InvalidProvidersException with every problem of every file
     */
    public static Providers load(@Nullable Path folder) {
        List<Problem> problems = new ArrayList<>();
        Map<ProviderId, Provider> byId = new TreeMap<>((a, b) -> a.value().compareTo(b.value()));
        byId.putAll(parseAll(builtInTexts(problems), problems));
        if (folder != null && Files.exists(folder)) {
            byId.putAll(parseAll(texts(folder, problems), problems));
        }
        if (!problems.isEmpty()) {
            throw new InvalidProvidersException(problems);
        }
        return new Providers(byId);
    }

    /**
     * Reads one provider.
     *
     * @param file the name that problems are told with
     * @param yaml the file's text
     * @throws InvalidProvidersException with every problem
     */
    public static Provider parse(String file, String yaml) {
        List<Problem> problems = new ArrayList<>();
        Provider provider = ProviderParser.parse(file, yaml, problems);
        if (provider == null) {
            throw new InvalidProvidersException(problems);
        }
        return provider;
    }

    /** All of them, by id. */
    public List<Provider> all() {
        return List.copyOf(byId.values());
    }

    /** The provider with this id, if there is one. */
    public Optional<Provider> find(ProviderId id) {
        return Optional.ofNullable(byId.get(id));
    }

    /**
     * The provider with this id.
     *
     * @throws FailureException with {@link CauseCode#UNKNOWN_PROVIDER} when there is none
     */
    public Provider require(ProviderId id) {
        return find(id).orElseThrow(() -> FailureException.of(
                CauseCode.UNKNOWN_PROVIDER,
                "There is no provider " + id + "; there are "
                        + String.join(
                                ", ",
                                byId.keySet().stream().map(ProviderId::value).toList()) + "."));
    }

    private static Map<ProviderId, Provider> parseAll(Map<String, byte[]> files, List<Problem> problems) {
        Map<ProviderId, Provider> byId = new HashMap<>();
        files.forEach((file, bytes) -> {
            String text;
            try {
                text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString();
            } catch (CharacterCodingException e) {
                problems.add(new Problem(file, 0, "is not UTF-8"));
                return;
            }
            Provider provider = ProviderParser.parse(file, text, problems);
            if (provider != null) {
                String called = file.substring(file.lastIndexOf('/') + 1);
                if (called.equals(provider.id() + SUFFIX)) {
                    byId.put(provider.id(), provider);
                } else {
                    problems.add(new Problem(file, 0, "must be called " + provider.id() + SUFFIX + ", as its id says"));
                }
            }
        });
        return byId;
    }

    private static Map<String, byte[]> texts(Path folder, List<Problem> problems) {
        Map<String, byte[]> texts = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            for (Path file : files) {
                if (texts.size() == MAX_FILES) {
                    problems.add(new Problem(folder.toString(), 0, "holds more than " + MAX_FILES + " files"));
                    return texts;
                }
                try (InputStream in = Files.newInputStream(file)) {
                    texts.put(file.toString().replace('\\', '/'), bounded(in));
                } catch (IOException e) {
                    problems.add(new Problem(file.toString(), 0, "cannot be read: " + e));
                }
            }
        } catch (NotDirectoryException e) {
            problems.add(new Problem(folder.toString(), 0, "is not a folder"));
        } catch (IOException e) {
            problems.add(new Problem(folder.toString(), 0, "cannot be read: " + e));
        }
        return texts;
    }

    /** The resources, wherever this class came from: a folder of classes or a jar. */
    private static Map<String, byte[]> builtInTexts(List<Problem> problems) {
        ClassLoader loader = Providers.class.getClassLoader();
        Map<String, byte[]> texts = new TreeMap<>();
        try {
            for (URL url : Collections.list(loader.getResources(FOLDER))) {
                for (String name : names(url)) {
                    try (InputStream in = loader.getResourceAsStream(name)) {
                        if (in != null) {
                            texts.put(name, bounded(in));
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the provider files that come with Sallyport cannot be read", e);
        }
        if (texts.isEmpty()) {
            problems.add(new Problem(FOLDER, 0, "no provider files came with Sallyport"));
        }
        return texts;
    }

    private static NavigableSet<String> names(URL folder) throws IOException {
        NavigableSet<String> names = new TreeSet<>();
        if (folder.openConnection() instanceof JarURLConnection connection) {
            connection.getJarFile().stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.matches(FOLDER + "/[^/]+\\.yaml"))
                    .forEach(names::add);
            return names;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(folder.toURI()), "*" + SUFFIX)) {
            files.forEach(file -> names.add(FOLDER + "/" + file.getFileName()));
        } catch (URISyntaxException e) {
            throw new IOException("not a folder: " + folder, e);
        }
        return names;
    }

    /** One byte more than the parser takes is enough to make it refuse. */
    private static byte[] bounded(InputStream in) throws IOException {
        return in.readNBytes(4 * ProviderParser.MAX_FILE + 1);
    }
}
