/** Linux, where Java has no words for it. */
package dev.sallyport.model.linux;
