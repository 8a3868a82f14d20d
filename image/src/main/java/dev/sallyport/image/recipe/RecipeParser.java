package dev.sallyport.image.recipe;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.sallyport.image.recipe.LayerRecipe.Agent;
import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.Directory;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import dev.sallyport.image.recipe.LayerRecipe.Npm;
import dev.sallyport.image.recipe.LayerRecipe.User;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads recipes. A recipe {@code recipes/NAME.yaml} lists layers; each is described by {@code layers/NAME.yaml} with a {@code kind}
 * of {@code debian}, {@code npm}, {@code directory} or {@code agent}. A Debian layer may name others {@code with} which it is
 * merged: their lists come before its own. A file's text is its {@code content}, or stands in a file beside the recipe that
 * {@code from} names.
 */
public final class RecipeParser {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,40}");
    private static final Pattern DEBIAN_PACKAGE = Pattern.compile("[a-z0-9][a-z0-9+.-]+");
    private static final Pattern NPM_PACKAGE = Pattern.compile("(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*");
    private static final Pattern EXACT_VERSION = Pattern.compile("\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?");
    private static final Pattern UNIT =
            Pattern.compile("[A-Za-z0-9:_.@\\\\-]+\\.(service|socket|target|timer|mount|path)");
    private static final Pattern USER = Pattern.compile("[a-z][a-z0-9_-]{0,30}");
    private static final Pattern TEXT = Pattern.compile("[a-z][a-z0-9-]*\\.[a-z]+");
    private static final Pattern MODULE = Pattern.compile("[a-z0-9_]+");
    private static final Pattern PATH = Pattern.compile("(/[A-Za-z0-9@%+=:,._\\\\-]+)+");
    private static final Pattern GLOB = Pattern.compile("(/[A-Za-z0-9@%+=:,._*\\[\\]!\\\\-]+)+");
    private static final Pattern RELATIVE = Pattern.compile("[A-Za-z0-9@%+=:,._*-]+(/[A-Za-z0-9@%+=:,._*-]+)*");

    private final Function<String, Optional<String>> files;
    private final ObjectMapper yaml = YAMLMapper.builder(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    /** @param files the text of a file by its path, such as {@code recipes/cli.yaml}; empty when there is none */
    public RecipeParser(Function<String, Optional<String>> files) {
        this.files = files;
    }

    /** The recipes that come with the product. */
    public static RecipeParser ofTheProduct() {
        return new RecipeParser(path -> {
            try (var in = RecipeParser.class.getResourceAsStream("/" + path)) {
                return in == null
                        ? Optional.empty()
                        : Optional.of(new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException("the product's own " + path + " cannot be read", e);
            }
        });
    }

    /**
     * Reads {@code recipes/kernel.yaml}.
     *
     * @throws FailureException {@link CauseCode#IMAGE_BUILD_FAILED} with all that is wrong as evidence
     */
    public KernelRecipe kernel() {
        String file = "recipes/kernel.yaml";
        KernelRecipe kernel = bind(file, tree(file), KernelRecipe.class);
        var problems = new Problems(file);
        problems.word("suite", kernel.suite(), NAME);
        problems.words("packages", kernel.packages(), DEBIAN_PACKAGE);
        problems.words("modules", kernel.modules(), MODULE);
        problems.words("arguments", kernel.arguments(), Pattern.compile("[!-~]+"));
        problems.some("packages", kernel.packages());
        problems.some("modules", kernel.modules());
        problems.end();
        return kernel;
    }

    /**
     * Reads {@code recipes/NAME.yaml} and its layers.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND} when there is no such recipe, {@link CauseCode#IMAGE_BUILD_FAILED} with
     *     all that is wrong as evidence
     */
    public ImageRecipe image(String name) {
        String file = "recipes/" + name + ".yaml";
        if (!NAME.matcher(name).matches()
                || name.equals("kernel")
                || files.apply(file).isEmpty()) {
            throw FailureException.of(CauseCode.NOT_FOUND, "There is no recipe '" + name + "'.");
        }
        Outline outline = bind(file, tree(file), Outline.class);
        var problems = new Problems(file);
        problems.words("layers", outline.layers(), NAME);
        problems.some("layers", outline.layers());
        problems.distinct("layers", outline.layers());
        problems.end();
        return new ImageRecipe(name, outline.layers().stream().map(this::layer).toList());
    }

    record Outline(List<String> layers) {
        Outline {
            layers = orEmpty(layers);
        }
    }

    private LayerRecipe layer(String name) {
        String file = "layers/" + name + ".yaml";
        ObjectNode tree = tree(file);
        String kind = tree.path("kind").asText("");
        tree.remove("kind");
        tree.put("name", name);
        return switch (kind) {
            case "debian" -> checked(file, debian(file, tree));
            case "npm" -> checked(file, bind(file, tree, Npm.class));
            case "directory" -> checked(file, bind(file, tree, Directory.class));
            case "agent" -> checked(file, bind(file, tree, Agent.class));
            default ->
                throw bad(
                        file, List.of(file + ": kind must be debian, npm, directory or agent, and is '" + kind + "'"));
        };
    }

    private Debian debian(String file, ObjectNode tree) {
        JsonNode with = tree.remove("with");
        if (with != null) {
            for (JsonNode part : with.isArray() ? with : yaml.createArrayNode().add(with)) {
                if (!NAME.matcher(part.asText()).matches()) {
                    throw bad(file, List.of(file + ": with: '" + part.asText() + "' is not a name of a part"));
                }
                merge(tree, tree("layers/parts/" + part.asText() + ".yaml"));
            }
        }
        return bind(file, tree, Debian.class);
    }

    /** What the part has comes first, so that a layer's own files and users add to it. */
    private static void merge(ObjectNode into, ObjectNode part) {
        for (Map.Entry<String, JsonNode> entry : part.properties()) {
            JsonNode own = into.get(entry.getKey());
            if (own == null) {
                into.set(entry.getKey(), entry.getValue());
            } else if (own instanceof ArrayNode ownList && entry.getValue() instanceof ArrayNode partList) {
                into.set(entry.getKey(), partList.deepCopy().addAll(ownList));
            } else if (own instanceof ObjectNode ownMap && entry.getValue() instanceof ObjectNode partMap) {
                into.set(entry.getKey(), partMap.deepCopy().setAll(ownMap));
            }
        }
    }

    // ---- checks

    private static Debian checked(String file, Debian layer) {
        var problems = new Problems(file);
        problems.word("suite", layer.suite(), NAME);
        problems.words("packages", layer.packages(), DEBIAN_PACKAGE);
        problems.distinct("packages", layer.packages());
        problems.words("masked", layer.masked(), UNIT);
        problems.words("removed", layer.removed(), GLOB);
        problems.files(layer.files(), layer.links());
        for (User user : layer.users()) {
            problems.word("users.name", user.name(), USER);
            problems.word("users.home", user.home(), PATH);
            problems.words("users.folders", user.folders(), PATH);
            problems.need(
                    user.uid() >= 1000 && user.uid() < 60000, "users.uid of " + user.name() + " must be 1000 to 59999");
        }
        problems.distinct("users.name", layer.users().stream().map(User::name).toList());
        problems.distinct(
                "users.uid",
                layer.users().stream().map(user -> Integer.toString(user.uid())).toList());
        problems.end();
        return layer;
    }

    private static Npm checked(String file, Npm layer) {
        var problems = new Problems(file);
        problems.need(!layer.packages().isEmpty(), "packages must name at least one");
        layer.packages().forEach((name, version) -> {
            problems.word("packages", name, NPM_PACKAGE);
            problems.need(
                    EXACT_VERSION.matcher(version).matches(),
                    "packages: the version of " + name + " must be exact (1.2.3), and is '" + version + "'");
        });
        problems.word("to", layer.to(), PATH);
        layer.commands().forEach((name, target) -> {
            problems.word("commands", name, RELATIVE);
            problems.word("commands." + name, target, RELATIVE);
        });
        problems.words("removed", layer.removed(), RELATIVE);
        problems.end();
        return layer;
    }

    private static Directory checked(String file, Directory layer) {
        var problems = new Problems(file);
        problems.word("from", layer.from(), RELATIVE);
        problems.word("to", layer.to(), PATH);
        problems.end();
        return layer;
    }

    private static Agent checked(String file, Agent layer) {
        var problems = new Problems(file);
        problems.word("to", layer.to(), PATH);
        problems.word("from", layer.from(), RELATIVE);
        problems.word("mainClass", layer.mainClass(), Pattern.compile("[A-Za-z_][A-Za-z0-9_.]*"));
        problems.words("modules", layer.modules(), Pattern.compile("[a-z][a-z0-9.]*"));
        problems.some("modules", layer.modules());
        problems.words("flags", layer.flags(), Pattern.compile("-[!-~]+"));
        problems.files(layer.files(), layer.links());
        problems.end();
        return layer;
    }

    /** What is wrong with one file; all of it, not the first alone. */
    private static final class Problems {
        private final String file;
        private final List<String> found = new ArrayList<>();

        Problems(String file) {
            this.file = file;
        }

        void need(boolean fine, String text) {
            if (!fine) {
                found.add(file + ": " + text);
            }
        }

        void word(String where, @Nullable String value, Pattern pattern) {
            if (value == null) {
                need(false, where + " is missing");
                return;
            }
            need(
                    pattern.matcher(value).matches()
                            && !List.of(value.split("/", -1)).contains(".."),
                    where + ": '" + value + "' is not what can stand here");
        }

        void words(String where, List<String> values, Pattern pattern) {
            values.forEach(value -> word(where, value, pattern));
        }

        void some(String where, List<String> values) {
            need(!values.isEmpty(), where + " must name at least one");
        }

        void distinct(String where, List<String> values) {
            Set<String> seen = new HashSet<>();
            values.forEach(value -> need(seen.add(value), where + ": '" + value + "' is there twice"));
        }

        void files(List<FileRecipe> files, Map<String, String> links) {
            for (FileRecipe recipe : files) {
                word("files.path", recipe.path(), PATH);
                need(recipe.content() != null, "files: " + recipe.path() + " has no content");
                need(recipe.mode().matches("0[0-7]{3}"), "files: the mode of " + recipe.path() + " must be like 0644");
            }
            links.forEach((path, target) -> {
                word("links", path, PATH);
                need(target.matches("[!-~]+"), "links: " + path + " has no target");
            });
            List<String> all =
                    new ArrayList<>(files.stream().map(FileRecipe::path).toList());
            all.addAll(links.keySet());
            distinct("files and links", all);
        }

        void end() {
            if (!found.isEmpty()) {
                throw bad(file, found);
            }
        }
    }

    // ---- YAML

    private ObjectNode tree(String file) {
        String text = files.apply(file).orElseThrow(() -> bad(file, List.of(file + ": there is no such file")));
        try {
            if (yaml.readTree(text) instanceof ObjectNode object) {
                takeTexts(file, object);
                return object;
            }
            throw bad(file, List.of(file + ": it must hold keys and values"));
        } catch (JsonProcessingException e) {
            throw bad(file, List.of(where(file, e.getLocation()) + firstLine(e)));
        }
    }

    /** A file's {@code from} names a text beside the recipe, which becomes its content: scripts are easier to read and test so. */
    private void takeTexts(String file, ObjectNode tree) {
        for (JsonNode entry : tree.path("files")) {
            if (entry instanceof ObjectNode object && object.has("from")) {
                String name = object.remove("from").asText();
                if (!TEXT.matcher(name).matches() || object.has("content")) {
                    throw bad(file, List.of(file + ": files.from: '" + name + "' is not what can stand here"));
                }
                String path = file.substring(0, file.lastIndexOf('/') + 1) + name;
                object.put(
                        "content",
                        files.apply(path).orElseThrow(() -> bad(file, List.of(path + ": there is no such file"))));
            }
        }
    }

    private <T> T bind(String file, ObjectNode tree, Class<T> type) {
        try {
            return yaml.treeToValue(tree, type);
        } catch (UnrecognizedPropertyException e) {
            String known = e.getKnownPropertyIds() == null
                    ? ""
                    : e.getKnownPropertyIds().stream()
                            .map(Object::toString)
                            .filter(property -> !property.equals("name"))
                            .sorted()
                            .collect(Collectors.joining(", "));
            throw bad(file, List.of(file + ": " + path(e) + " is not known here; known are " + known));
        } catch (JsonMappingException e) {
            throw bad(file, List.of(file + ": " + path(e) + ": " + firstLine(e)));
        } catch (JsonProcessingException e) {
            throw bad(file, List.of(file + ": " + firstLine(e)));
        }
    }

    private static String where(String file, @Nullable JsonLocation location) {
        return location == null ? file + ": " : file + ":" + location.getLineNr() + ": ";
    }

    private static String firstLine(JsonProcessingException e) {
        return e.getOriginalMessage().lines().findFirst().orElse("it cannot be read");
    }

    private static String path(JsonMappingException e) {
        return e.getPath().stream()
                .map(reference ->
                        reference.getFieldName() != null ? reference.getFieldName() : "[" + reference.getIndex() + "]")
                .collect(Collectors.joining("."));
    }

    private static FailureException bad(String file, List<String> problems) {
        return new FailureException(
                new Cause(CauseCode.IMAGE_BUILD_FAILED, "The recipe " + file + " cannot be used.", problems));
    }

    static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }

    /** In the order of the keys, so that equal recipes read equally. */
    static Map<String, String> orEmpty(@Nullable Map<String, String> map) {
        return map == null ? Map.of() : java.util.Collections.unmodifiableMap(new TreeMap<>(map));
    }
}
