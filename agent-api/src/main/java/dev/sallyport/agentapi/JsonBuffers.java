package dev.sallyport.agentapi;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;

/** Jackson for virtual threads. By itself it keeps buffers of some 16 KB for each thread that ever used it, for as long as that lives. */
public final class JsonBuffers {
    private JsonBuffers() {}

    /** A factory whose buffers are shared: there are as many as are used at once. */
    public static JsonFactoryBuilder factory() {
        return new JsonFactoryBuilder().recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool());
    }

    /** The same with all its defaults. */
    public static JsonFactory defaults() {
        return factory().build();
    }
}
