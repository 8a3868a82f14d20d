/** The operator's and user's command: one picocli command a verb, found by {@link java.util.ServiceLoader}. */
package dev.sallyport.cli;
