package dev.sallyport.model;

import java.time.Instant;
import java.util.Map;

/**
 * One entry of a timeline. Details are shown to people: they never hold a secret.
 *
 * @param sequence rises by one from 1 within one timeline
 * @param at when it happened
 * @param step a stable dotted name, such as {@code browser.agent_ready}
 * @param text one sentence for people
 * @param details further facts by name, bounded in number and size
 */
public record TimelineEvent(long sequence, Instant at, String step, String text, Map<String, String> details) {
    public TimelineEvent {
        details = Map.copyOf(details);
    }
}
