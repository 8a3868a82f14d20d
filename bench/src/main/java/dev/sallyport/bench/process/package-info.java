/** Processes of a benchmark's own, and what the kernel tells of them. */
package dev.sallyport.bench.process;
