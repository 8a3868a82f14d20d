/** The interface that makers of machines implement, and what they share: disks, facts, the console's spool, resources. */
package dev.sallyport.machine;
