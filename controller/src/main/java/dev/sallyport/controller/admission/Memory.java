package dev.sallyport.controller.admission;

/** The memory that machines are made of. */
public interface Memory {
    /** Bytes that could be used now without taking them from anything that runs. */
    long available();

    /** Bytes that there are in all. */
    long total();
}
