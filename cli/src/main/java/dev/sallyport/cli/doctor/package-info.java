/** {@code ./sallyport doctor}: looks at an installation and says what is wrong with it and what to do. Each check separates looking from judging. */
@org.jspecify.annotations.NullMarked
package dev.sallyport.cli.doctor;
