package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.verify.systemd.Edge.Kind;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What a boot starts: the transaction that systemd makes of its default target. A requirement that cannot be loaded spoils the
 * whole of it when requirements alone lead there; behind a mere wish it spoils nothing, since the job that has it stays (systemd
 * 252, as {@code systemd --test} shows). A unit waits for those that it is ordered after and that are part of the transaction.
 */
public final class BootPlan {
    /** More units than any boot has. */
    private static final int MOST_UNITS = 20_000;

    private static final int MOST_DEEP = 200;

    private final Units units;
    private final String goal;
    private final Map<String, List<Edge>> edges = new HashMap<>();
    private final Map<String, List<Edge>> orderings = new HashMap<>();
    private final Map<String, Edge> broken = new HashMap<>();
    private final Set<String> sound = new LinkedHashSet<>();
    /** Each unit that is started, with what pulls it in; null for the goal. */
    private final Map<String, Optional<Edge>> jobs = new LinkedHashMap<>();

    private final Map<String, String> triggered = new LinkedHashMap<>();

    private BootPlan(Units units, String goal) {
        this.units = units;
        this.goal = goal;
    }

    /**
     * The plan of a boot.
     *
     * @param goals the default target first, then what the kernel's command line wants besides
     */
    public static BootPlan of(Units units, List<String> goals) throws IOException {
        var plan = new BootPlan(units, units.load(goals.getFirst()).name());
        Deque<String> left = new ArrayDeque<>();
        for (String goal : goals) {
            plan.start(goal, Optional.empty(), left);
        }
        while (!left.isEmpty() && plan.jobs.size() < MOST_UNITS) {
            for (Edge edge : plan.edges(left.pop())) {
                if (edge.pulls()) {
                    plan.start(edge.to(), Optional.of(edge), left);
                }
            }
        }
        for (String name : List.copyOf(plan.jobs.keySet())) {
            Unit unit = units.load(name);
            if (Set.of("socket", "timer", "path").contains(unit.type())) {
                plan.triggered.putIfAbsent(
                        units.load(Dependencies.triggered(units, unit)).name(), name);
            }
        }
        for (String name : plan.jobs.keySet()) {
            for (Edge edge : plan.edges(name)) {
                if (edge.kind() == Kind.AFTER) {
                    plan.order(edge);
                }
            }
        }
        return plan;
    }

    private void start(String name, Optional<Edge> by, Deque<String> left) throws IOException {
        Unit unit = units.load(name);
        if (unit.loaded()
                && !jobs.containsKey(unit.name())
                && (by.isPresent() || broken(unit.name()).isEmpty())) {
            jobs.put(unit.name(), by);
            left.add(unit.name());
        }
    }

    private void order(Edge edge) throws IOException {
        String from = units.load(edge.from()).name();
        String to = units.load(edge.to()).name();
        if (!from.equals(to)) {
            orderings
                    .computeIfAbsent(from, ignored -> new ArrayList<>())
                    .add(new Edge(Kind.AFTER, from, to, edge.file(), edge.line()));
        }
    }

    /** All dependencies of a unit, whether it is part of the plan or not. */
    public List<Edge> edges(String name) throws IOException {
        List<Edge> known = edges.get(name);
        if (known == null) {
            List<Edge> before = new ArrayList<>();
            known = Dependencies.of(units, units.load(name), before);
            edges.put(name, known);
            for (Edge edge : before) {
                order(edge);
            }
        }
        return known;
    }

    /**
     * The requirement for which {@code systemctl start} of {@code name} would be refused: what it needs is missing, masked, refused,
     * or broken itself.
     */
    public Optional<Edge> broken(String name) throws IOException {
        Deque<String> path = new ArrayDeque<>();
        Set<String> visited = new LinkedHashSet<>();
        return broken(name, path, visited);
    }

    private Optional<Edge> broken(String name, Deque<String> path, Set<String> visited) throws IOException {
        Edge known = broken.get(name);
        if (known != null || sound.contains(name)) {
            return Optional.ofNullable(known);
        }
        if (!visited.add(name) || path.size() > MOST_DEEP) {
            return Optional.empty(); // Units that require each other stand or fall by the others.
        }
        path.push(name);
        for (Edge edge : edges(name)) {
            if (edge.kind() != Kind.REQUIRES && edge.kind() != Kind.BINDS_TO) {
                continue;
            }
            Unit needed = units.load(edge.to());
            if (!needed.loaded() || broken(needed.name(), path, visited).isPresent()) {
                broken.put(name, edge);
                path.pop();
                return Optional.of(edge);
            }
        }
        path.pop();
        if (path.isEmpty()) {
            sound.addAll(visited);
            sound.removeAll(broken.keySet());
        }
        return Optional.empty();
    }

    /**
     * The dependency for which {@code name} fails when its turn comes: it is bound to a unit that does not run, or requires one
     * that fails for such a reason.
     */
    public Optional<Edge> failing(String name) throws IOException {
        return failing(name, new LinkedHashSet<>());
    }

    private Optional<Edge> failing(String name, Set<String> visited) throws IOException {
        if (!visited.add(name) || visited.size() > MOST_DEEP) {
            return Optional.empty();
        }
        for (Edge edge : edges(name)) {
            Unit needed = units.load(edge.to());
            boolean bound = edge.kind() == Kind.BINDS_TO && !jobs.containsKey(needed.name());
            boolean fails = edge.hard()
                    && jobs.containsKey(needed.name())
                    && failing(needed.name(), visited).isPresent();
            if (bound || fails) {
                return Optional.of(edge);
            }
        }
        return Optional.empty();
    }

    /** The default target's own name. */
    public String goal() {
        return goal;
    }

    /** True when the boot starts {@code name}. */
    public boolean starts(String name) {
        return jobs.containsKey(name);
    }

    /** All that the boot starts, in the order of its discovery. */
    public Set<String> started() {
        return jobs.keySet();
    }

    /** The socket, timer or path that is started and starts {@code name} later. */
    public Optional<String> trigger(String name) {
        return Optional.ofNullable(triggered.get(name));
    }

    /** All units that something starts later, with what. */
    public Map<String, String> triggered() {
        return triggered;
    }

    /** How the boot comes to start {@code name}: the dependencies from the default target down. */
    public List<Edge> why(String name) {
        List<Edge> chain = new ArrayList<>();
        String at = name;
        while (jobs.getOrDefault(at, Optional.empty()).isPresent() && chain.size() < MOST_UNITS) {
            Edge edge = Objects.requireNonNull(jobs.get(at)).orElseThrow();
            chain.addFirst(edge);
            at = edge.from();
        }
        return chain;
    }

    /** What {@code name} waits for directly: units that start in this boot and that it is ordered after. */
    public List<Edge> waitsFor(String name) {
        return orderings.getOrDefault(name, List.of()).stream()
                .filter(edge -> jobs.containsKey(edge.to()))
                .toList();
    }

    /** All that {@code name} waits for, near ones first, each with the ordering that leads there. */
    public Map<String, Edge> allWaitedFor(String name) {
        Map<String, Edge> found = new LinkedHashMap<>();
        Deque<String> left = new ArrayDeque<>(List.of(name));
        while (!left.isEmpty()) {
            for (Edge edge : waitsFor(left.pop())) {
                if (!edge.to().equals(name) && found.putIfAbsent(edge.to(), edge) == null) {
                    left.add(edge.to());
                }
            }
        }
        return found;
    }

    /** The orderings from {@code name} to {@code to}, which {@link #allWaitedFor} found. */
    public static List<Edge> chain(Map<String, Edge> found, String name, String to) {
        List<Edge> chain = new ArrayList<>();
        String at = to;
        while (!at.equals(name) && chain.size() < MOST_UNITS) {
            Edge edge = found.get(at);
            if (edge == null) {
                return List.of();
            }
            chain.addFirst(edge);
            at = edge.from();
        }
        return chain;
    }

    /** A way on which {@code name} waits for itself; empty when there is none. */
    public List<Edge> cycle(String name) {
        Map<String, Edge> found = allWaitedFor(name);
        for (Edge first : waitsFor(name)) {
            if (first.to().equals(name)) {
                return List.of(first);
            }
        }
        for (String at : found.keySet()) {
            for (Edge edge : waitsFor(at)) {
                if (edge.to().equals(name)) {
                    List<Edge> cycle = new ArrayList<>(chain(found, name, at));
                    cycle.add(edge);
                    return cycle;
                }
            }
        }
        return List.of();
    }
}
