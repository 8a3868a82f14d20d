/** What boots a machine, read without booting it: kernels, and the archives that they unpack first. */
package dev.sallyport.image.boot;
