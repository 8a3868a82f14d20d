package dev.sallyport.agent.linux;

/** Told of a process's output. */
@FunctionalInterface
public interface OutputListener {
    /**
     * A piece of output.
     *
     * @param bytes a buffer that is used again after the call
     * @param length how much of it counts
     */
    void output(byte[] bytes, int length);
}
