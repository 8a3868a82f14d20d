/** How long images take to build, and to build again: {@link dev.sallyport.bench.images.ImagesBench}. */
package dev.sallyport.bench.images;
