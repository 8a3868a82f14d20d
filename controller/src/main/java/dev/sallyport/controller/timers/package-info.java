/** Durable timers: what is to happen later is in the database, and happens once, whichever controller is there by then. */
package dev.sallyport.controller.timers;
