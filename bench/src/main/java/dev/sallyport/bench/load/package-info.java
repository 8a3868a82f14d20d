/** Load that is made on a schedule, whatever the answers take. */
package dev.sallyport.bench.load;
