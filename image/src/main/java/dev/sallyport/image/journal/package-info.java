/** What a build has made and not yet finished: written down before it is made, and undone when the builder is dead. */
package dev.sallyport.image.journal;
