/** {@code ./sallyport test}: finds the tests of all modules, runs them by suite, and says how they went. */
package dev.sallyport.acceptance.suite;
