/** The nouns of Sallyport: ids, states, timeline events, causes, secrets. Nothing here does input or output; {@code linux} beside it is what several modules need of the kernel. */
package dev.sallyport.model;
