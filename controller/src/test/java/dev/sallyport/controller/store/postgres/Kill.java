package dev.sallyport.controller.store.postgres;

import dev.sallyport.controller.store.Await;
import java.util.List;

/** The hard end of a server. */
public final class Kill {
    private Kill() {}

    /** Kills the server and all its processes at once; it is brought back by itself. */
    public static void server(EmbeddedPostgres server) {
        ProcessHandle postmaster = ProcessHandle.of(server.pid()).orElseThrow();
        List<ProcessHandle> children = postmaster.descendants().toList();
        // The first of all, so that it sees no child end, and ends no other in good order.
        postmaster.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }

    /** Kills it, and waits until another one is there. */
    public static void serverAndAwaitTheNext(EmbeddedPostgres server) throws InterruptedException {
        long killed = server.pid();
        server(server);
        Await.until("another server", () -> server.pid() != killed);
    }
}
