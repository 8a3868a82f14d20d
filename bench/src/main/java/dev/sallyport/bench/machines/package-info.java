/** Machines: from templates, from the pool and from cold, against a hypervisor without anything of ours. */
@NullMarked
package dev.sallyport.bench.machines;

import org.jspecify.annotations.NullMarked;
