package dev.sallyport.controller.timers;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.event.AbstractSchedulerListener;
import com.github.kagkarlsson.scheduler.logging.LogLevel;
import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.github.kagkarlsson.scheduler.task.schedule.FixedDelay;
import dev.sallyport.controller.store.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.function.Function;

/**
 * Fires the timers that are in the database (db-scheduler). Each is fired by one controller; one that died over it leaves it to the
 * next. What a timer does is idempotent and looks at how things are by then.
 */
public final class DurableTimers implements AutoCloseable {
    /** Told of each that was fired. */
    @FunctionalInterface
    public interface Listener {
        /** {@code task} was done for one instance, or failed and is tried again. */
        void fired(String task, boolean done);
    }

    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofSeconds(5);
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);
    private static final int MISSED_HEARTBEATS = 4;
    private static final int AT_ONCE = 8;

    private final Scheduler scheduler;

    private DurableTimers(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** What can be done by timers. */
    public static final class Builder {
        private final List<Task<?>> tasks = new ArrayList<>();
        private final List<com.github.kagkarlsson.scheduler.task.helper.RecurringTask<Void>> recurring =
                new ArrayList<>();

        /**
         * One that is set for single instances by {@link dev.sallyport.controller.store.Timers}.
         *
         * @param name the task's name
         * @param work what is done for an instance; when to look again, or empty when that was all
         */
        public Builder on(String name, Function<String, Optional<Instant>> work) {
            tasks.add(Tasks.custom(name, Void.class)
                    .onDeadExecutionRevive()
                    .onFailureReschedule(FixedDelay.of(RETRY))
                    .execute((instance, context) -> {
                        Optional<Instant> again = work.apply(instance.getId());
                        return (complete, operations) -> again.ifPresentOrElse(
                                at -> operations.reschedule(complete, at), () -> operations.remove());
                    }));
            return this;
        }

        /** One that is done again and again, by one controller at a time. */
        public Builder every(Duration period, String name, Runnable work) {
            recurring.add(Tasks.recurring(name, FixedDelay.of(period)).execute((instance, context) -> work.run()));
            return this;
        }

        /**
         * Begins to fire.
         *
         * @param name this controller's, by which others see whose a timer is
         */
        public DurableTimers start(Database database, String name, Listener listener) {
            Scheduler scheduler = Scheduler.create(database.dataSource(), tasks)
                    .startTasks(recurring)
                    .schedulerName(new SchedulerName.Fixed(name))
                    .pollingInterval(LOOK)
                    .heartbeatInterval(HEARTBEAT)
                    .missedHeartbeatsLimit(MISSED_HEARTBEATS)
                    .threads(AT_ONCE)
                    .executorService(Executors.newThreadPerTaskExecutor(
                            Thread.ofVirtual().name("timer-", 0).factory()))
                    .pollUsingLockAndFetch(0.5, 1.0)
                    .shutdownMaxWait(Duration.ofSeconds(5))
                    .failureLogging(LogLevel.WARN, false)
                    .addSchedulerListener(new AbstractSchedulerListener() {
                        @Override
                        public void onExecutionComplete(ExecutionComplete complete) {
                            listener.fired(
                                    complete.getExecution().taskInstance.getTaskName(),
                                    complete.getResult() == ExecutionComplete.Result.OK);
                        }
                    })
                    .build();
            scheduler.start();
            return new DurableTimers(scheduler);
        }
    }

    /** Fires none any more; those under way end first. */
    @Override
    public void close() {
        scheduler.stop();
    }
}
