/** Reads what is inside of layers, without mounting them. */
package dev.sallyport.image.erofs;
