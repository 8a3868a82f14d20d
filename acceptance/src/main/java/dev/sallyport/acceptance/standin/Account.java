package dev.sallyport.acceptance.standin;

/**
 * Who the stand-ins sign in.
 *
 * @param subject the account's stable id
 * @param name for people
 * @param email the address
 */
public record Account(String subject, String name, String email) {}
