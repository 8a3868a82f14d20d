package dev.sallyport.controller.store;

import java.time.Instant;
import org.jdbi.v3.core.Handle;

/**
 * Writes timers in the caller's transaction, in the table from which db-scheduler fires them. Whatever sets a timer and the change
 * that it belongs to are durable together. What a timer does must look at how things are by then: it may fire late, and while
 * it is being set anew.
 */
public final class Timers {
    private Timers() {}

    /**
     * Sets a timer, or sets it anew. One that is just firing stays as it is: it looks at the new state itself.
     *
     * @param task the name of what is to be done
     * @param instance to what
     * @param at when
     */
    public static void set(Handle handle, String task, String instance, Instant at) {
        handle.createUpdate("INSERT INTO scheduled_tasks (task_name, task_instance, execution_time, picked, version)"
                        + " VALUES (:task, :instance, :at, false, 1) ON CONFLICT (task_name, task_instance) DO UPDATE"
                        + " SET execution_time = excluded.execution_time, version = scheduled_tasks.version + 1"
                        + " WHERE NOT scheduled_tasks.picked")
                .bind("task", task)
                .bind("instance", instance)
                .bind("at", at)
                .execute();
    }

    /** Removes a timer; harmless when there is none. */
    public static void clear(Handle handle, String task, String instance) {
        handle.createUpdate("DELETE FROM scheduled_tasks WHERE task_name = :task AND task_instance = :instance")
                .bind("task", task)
                .bind("instance", instance)
                .execute();
    }
}
