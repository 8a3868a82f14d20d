/**
 * Evidence in, cause out: what was seen of a machine that is coming up (its console, what answered on its agent's port, its
 * hypervisor, its end) becomes the most specific cause of the catalogue that it proves. Pure: nothing here waits, asks or writes.
 */
package dev.sallyport.diagnosis;
