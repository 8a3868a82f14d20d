package dev.sallyport.cli;

import java.util.concurrent.Callable;

/**
 * One verb of {@code ./sallyport}: a class with picocli's annotations, named in
 * {@code META-INF/services/dev.sallyport.cli.Verb}. Modules below this one add theirs the same way. The result is the
 * process's exit status.
 */
public interface Verb extends Callable<Integer> {}
