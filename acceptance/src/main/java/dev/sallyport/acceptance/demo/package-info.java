/** A whole sign-in on one box, with the vendors' part played by a stand-in and the user's by a person who sees pixels alone. */
package dev.sallyport.acceptance.demo;
