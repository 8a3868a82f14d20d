/** The relay of screens against websockify: {@link dev.sallyport.bench.relay.RelayBench}. */
package dev.sallyport.bench.relay;
