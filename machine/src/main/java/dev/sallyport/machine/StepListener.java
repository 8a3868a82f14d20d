package dev.sallyport.machine;

import java.util.Map;

/** Told of each step of a machine's start when it is done. */
@FunctionalInterface
public interface StepListener {
    /**
     * @param step a stable name, such as {@code disk}, {@code network}, {@code hypervisor}
     * @param text one sentence for people
     * @param details facts by name, nothing secret
     */
    void done(String step, String text, Map<String, String> details);
}
