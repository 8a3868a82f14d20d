package dev.sallyport.egress;

import java.net.InetSocketAddress;

/** What becomes of a request. */
sealed interface Decision {
    /**
     * It may go.
     *
     * @param target where to
     * @param address the resolved address to connect to: the target's, or the upstream proxy's
     * @param attempt takes down how the connection went
     */
    record Go(Target target, InetSocketAddress address, Attempt attempt) implements Decision {}

    /**
     * It may not.
     *
     * @param status the HTTP status
     * @param phrase its reason phrase, for tools that show nothing else
     * @param text the sentence
     */
    record Stop(int status, String phrase, String text) implements Decision {}
}
