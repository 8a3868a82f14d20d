package dev.sallyport.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An explicit table of a life's legal transitions: from a state, on an event, to a state.
 *
 * @param <S> the states
 * @param <E> the events
 */
public final class TransitionTable<S extends Enum<S>, E extends Enum<E>> {
    /**
     * One row of the table.
     *
     * @param from the state before
     * @param on what happened
     * @param to the state after
     */
    public record Transition<S, E>(S from, E on, S to) {}

    private record Key<S, E>(S from, E on) {}

    private final String name;
    private final S initial;
    private final Map<Key<S, E>, Transition<S, E>> rows;

    private TransitionTable(String name, S initial, Map<Key<S, E>, Transition<S, E>> rows) {
        this.name = name;
        this.initial = initial;
        this.rows = Collections.unmodifiableMap(new LinkedHashMap<>(rows));
    }

    /** Starts a table called {@code name} whose lives begin in {@code initial}. */
    public static <S extends Enum<S>, E extends Enum<E>> Builder<S, E> startingIn(String name, S initial) {
        return new Builder<>(name, initial);
    }

    /** The state that every life begins in. */
    public S initial() {
        return initial;
    }

    /** All rows, in the order in which they were written. */
    public List<Transition<S, E>> rows() {
        return List.copyOf(rows.values());
    }

    /** True when {@code on} may happen in {@code from}. */
    public boolean allows(S from, E on) {
        return rows.containsKey(new Key<>(from, on));
    }

    /** True when nothing can happen after {@code state}. */
    public boolean isFinal(S state) {
        return rows.keySet().stream().noneMatch(key -> key.from() == state);
    }

    /**
     * The state after {@code on} happened in {@code from}.
     *
     * @throws IllegalTransitionException when the table has no such row
     */
    public S next(S from, E on) {
        Transition<S, E> row = rows.get(new Key<>(from, on));
        if (row == null) {
            throw new IllegalTransitionException(name, from, on);
        }
        return row.to();
    }

    /** The table as a Mermaid state diagram, for docs/. */
    public String toMermaid() {
        var text = new StringBuilder("stateDiagram-v2\n    [*] --> ")
                .append(initial)
                .append('\n');
        for (Transition<S, E> row : rows.values()) {
            text.append("    %s --> %s: %s%n"
                    .formatted(row.from(), row.to(), row.on())
                    .replace("\r", ""));
        }
        rows.values().stream()
                .map(Transition::to)
                .distinct()
                .filter(this::isFinal)
                .forEach(state -> text.append("    ").append(state).append(" --> [*]\n"));
        return text.toString();
    }

    /** Collects rows. */
    public static final class Builder<S extends Enum<S>, E extends Enum<E>> {
        private final String name;
        private final S initial;
        private final List<Transition<S, E>> rows = new ArrayList<>();

        private Builder(String name, S initial) {
            this.name = name;
            this.initial = initial;
        }

        /** Adds the row: in {@code from}, on {@code on}, to {@code to}. */
        public Builder<S, E> add(S from, E on, S to) {
            rows.add(new Transition<>(from, on, to));
            return this;
        }

        /**
         * The table.
         *
         * @throws IllegalStateException when two rows begin alike
         */
        public TransitionTable<S, E> build() {
            Map<Key<S, E>, Transition<S, E>> byKey = new LinkedHashMap<>();
            for (Transition<S, E> row : rows) {
                if (byKey.put(new Key<>(row.from(), row.on()), row) != null) {
                    throw new IllegalStateException(name + " has two rows for " + row.from() + " on " + row.on());
                }
            }
            return new TransitionTable<>(name, initial, byKey);
        }
    }
}
