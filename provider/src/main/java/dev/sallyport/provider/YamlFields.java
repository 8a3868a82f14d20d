package dev.sallyport.provider;

import dev.sallyport.provider.InvalidProvidersException.Problem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * The keys of one YAML mapping, taken one by one. What is wrong is added to the file's problems, with its line, and a harmless
 * value is answered, so that reading goes on and finds the rest. {@link #end} tells of the keys that nobody took.
 */
final class YamlFields {
    /** Most entries of a list or mapping. */
    static final int MAX_ENTRIES = 64;
    /** Longest text, in characters. */
    static final int MAX_TEXT = 8192;

    private final String file;
    private final int line;
    private final String where;
    private final List<Problem> problems;
    private final Map<String, NodeTuple> left = new LinkedHashMap<>();
    private final Map<String, Integer> lines = new LinkedHashMap<>();

    /** @param node a mapping, or anything else, which is a problem; null stands for a mapping without keys */
    YamlFields(String file, String where, @Nullable Node node, int line, List<Problem> problems) {
        this.file = file;
        this.where = where;
        this.problems = problems;
        this.line = node == null ? line : lineOf(node);
        if (node == null) {
            return;
        }
        if (!(node instanceof MappingNode mapping)) {
            problem(this.line, (where.isEmpty() ? "the file" : where) + " must hold keys and values");
            return;
        }
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problem(lineOf(tuple.getKeyNode()), "a key must be a word");
            } else if (left.putIfAbsent(key.getValue(), tuple) != null) {
                problem(lineOf(key), name(key.getValue()) + " is there twice");
            } else {
                lines.put(key.getValue(), lineOf(key));
            }
        }
        if (left.size() > MAX_ENTRIES) {
            problem(this.line, (where.isEmpty() ? "the file" : where) + " has more than " + MAX_ENTRIES + " keys");
        }
    }

    private static int lineOf(Node node) {
        return node.getStartMark().getLine() + 1;
    }

    private String name(String key) {
        return where.isEmpty() ? key : where + "." + key;
    }

    private @Nullable Node take(String key) {
        NodeTuple tuple = left.remove(key);
        return tuple == null ? null : tuple.getValueNode();
    }

    /** The line of {@code key}, or of the whole mapping when it has none. */
    int line(String key) {
        return lines.getOrDefault(key, line);
    }

    /** True when the mapping has {@code key}, taken or not. */
    boolean has(String key) {
        return lines.containsKey(key);
    }

    /** Adds a problem about {@code key}. */
    void problem(String key, String text) {
        problem(line(key), name(key) + " " + text);
    }

    private void problem(int atLine, String text) {
        problems.add(new Problem(file, atLine, text));
    }

    /** A text that must be there. */
    String text(String key) {
        if (!has(key)) {
            problem(line, name(key) + " is missing");
            return "";
        }
        String text = text(key, "");
        if (text.isBlank()) {
            problem(key, "is empty");
        }
        return text;
    }

    /** A text, or {@code otherwise} when it is not there. */
    String text(String key, String otherwise) {
        Node node = take(key);
        return node == null ? otherwise : scalar(name(key), node);
    }

    private String scalar(String called, Node node) {
        if (!(node instanceof ScalarNode scalar)) {
            problem(lineOf(node), called + " must be a single value");
            return "";
        }
        String text = scalar.getValue();
        if (text.length() > MAX_TEXT) {
            problem(lineOf(node), called + " is longer than " + MAX_TEXT + " characters");
            return "";
        }
        if (text.chars().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t')) {
            problem(lineOf(node), called + " holds control characters");
            return "";
        }
        return text;
    }

    /** A whole number from {@code least} to {@code most}, or {@code otherwise} when it is not there. */
    int number(String key, int least, int most, int otherwise) {
        Node node = take(key);
        return node == null ? otherwise : number(name(key), node, least, most, otherwise);
    }

    private int number(String called, Node node, int least, int most, int otherwise) {
        String text = scalar(called, node);
        if (text.matches("\\d{1,9}")) {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        }
        problem(lineOf(node), called + " must be a whole number from " + least + " to " + most);
        return otherwise;
    }

    /** {@code true} or {@code false}; false when it is not there. */
    boolean flag(String key) {
        String text = text(key, "false");
        if (!text.equals("true") && !text.equals("false")) {
            problem(key, "must be true or false");
        }
        return text.equals("true");
    }

    /** Texts; empty when it is not there. Each is checked by {@code check}, which answers what is wrong or null. */
    List<String> texts(String key, BiFunction<String, String, @Nullable String> check) {
        List<String> texts = new ArrayList<>();
        for (Node node : nodes(key)) {
            String text = scalar(name(key), node);
            String wrong = text.isEmpty() ? "is empty" : check.apply(key, text);
            if (wrong == null) {
                texts.add(text);
            } else {
                problem(lineOf(node), name(key) + ": " + wrong);
            }
        }
        return List.copyOf(texts);
    }

    /** Whole numbers; empty when it is not there. */
    List<Integer> numbers(String key, int least, int most) {
        return nodes(key).stream()
                .map(node -> number(name(key), node, least, most, least))
                .toList();
    }

    /** Names with their texts; empty when it is not there. {@code check} is given both, and answers what is wrong or null. */
    Map<String, String> map(String key, BiFunction<String, String, @Nullable String> check) {
        YamlFields fields = fields(key);
        Map<String, String> map = new LinkedHashMap<>();
        for (String name : List.copyOf(fields.left.keySet())) {
            String text = fields.text(name, "");
            String wrong = check.apply(name, text);
            if (wrong != null) {
                fields.problem(name, wrong);
            }
            map.put(name, text);
        }
        return map;
    }

    /** The mapping at {@code key}, without keys when it is not there. */
    YamlFields fields(String key) {
        return new YamlFields(file, name(key), take(key), line(key), problems);
    }

    /** The mapping at {@code key}, which must be there. */
    YamlFields required(String key) {
        if (!has(key)) {
            problem(line, name(key) + " is missing");
        }
        return fields(key);
    }

    /** A list of mappings; empty when it is not there. */
    List<YamlFields> list(String key) {
        return nodes(key).stream()
                .map(node -> new YamlFields(file, name(key), node, lineOf(node), problems))
                .toList();
    }

    private List<Node> nodes(String key) {
        Node node = take(key);
        if (node == null) {
            return List.of();
        }
        if (!(node instanceof SequenceNode sequence)) {
            problem(lineOf(node), name(key) + " must be a list");
            return List.of();
        }
        if (sequence.getValue().size() > MAX_ENTRIES) {
            problem(lineOf(node), name(key) + " has more than " + MAX_ENTRIES + " entries");
            return List.of();
        }
        return sequence.getValue();
    }

    /** Ends the reading: every key that nobody took is one that is not known. */
    void end() {
        for (String key : left.keySet()) {
            problem(line(key), name(key.length() <= 40 ? key : key.substring(0, 40)) + " is not known");
        }
    }
}
