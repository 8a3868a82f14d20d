/** Machines as the controller keeps them: started, followed to readiness, watched, and ended, each step on a timeline. */
package dev.sallyport.controller.pool;
