/**
 * Stand-ins for the vendors' identity providers, for tests that sign in without the world: the pages and endpoints that tools
 * call, behind a proxy that ends TLS for those hosts with a certificate of a test authority.
 */
package dev.sallyport.acceptance.standin;
