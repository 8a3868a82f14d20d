/**
 * The store: small classes, one a table, over {@link dev.sallyport.controller.store.Database}. Every method is one transaction
 * that is durable when the method returns. Failures of the database are
 * {@link dev.sallyport.model.FailureException}s with a named cause, and hold no values of rows.
 */
package dev.sallyport.controller.store;
