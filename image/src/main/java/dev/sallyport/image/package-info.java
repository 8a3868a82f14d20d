/** Images: what they are ({@link dev.sallyport.image.Image}) and where they are kept ({@link dev.sallyport.image.ImageStore}). */
package dev.sallyport.image;
