/** File systems of images, read without being mounted: one reader a format, and the merged tree that a machine will see. */
package dev.sallyport.image.tree;
