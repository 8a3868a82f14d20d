/** What benchmarks share: figures taken pair by pair, their spread, and the report. Begin reading at {@link dev.sallyport.bench.compare.Bench}. */
package dev.sallyport.bench.compare;
