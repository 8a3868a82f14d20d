/** The PostgreSQL server that Sallyport brings along, and its supervision. */
package dev.sallyport.controller.store.postgres;
