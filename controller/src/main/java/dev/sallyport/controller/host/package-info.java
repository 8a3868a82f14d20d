/** A controller among others: its lease, and the bells by which they call each other. */
package dev.sallyport.controller.host;
