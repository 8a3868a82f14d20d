/** The benchmarks: {@link dev.sallyport.bench.BenchVerb} runs them, {@link dev.sallyport.bench.Measure} is what they answer with. */
package dev.sallyport.bench;
