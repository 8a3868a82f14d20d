/**
 * Screens from a machine to a page: single-use tickets, and a relay between a WebSocket and the machine's screen stream that
 * never buffers more than one piece each way.
 */
package dev.sallyport.relay;
