/** The nouns of Sallyport: ids, states, timeline events, causes, secrets. Nothing here does input or output. */
package dev.sallyport.model;
