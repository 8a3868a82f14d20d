/** Proves, without booting and without mounting, that an image has what its machines need. */
package dev.sallyport.image.verify;
