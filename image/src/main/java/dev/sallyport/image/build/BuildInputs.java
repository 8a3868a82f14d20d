package dev.sallyport.image.build;

import java.nio.file.Path;
import java.util.Map;

/**
 * What a build takes from its surroundings.
 *
 * @param home the checkout: the agent's jars and the folders of directory layers lie below it
 * @param javaHome the JDK from which the agent's runtime is linked
 * @param environment this process's; proxies are passed on to what downloads
 */
public record BuildInputs(Path home, Path javaHome, Map<String, String> environment) {
    public BuildInputs {
        environment = Map.copyOf(environment);
    }

    /** With the environment of this process. */
    public BuildInputs(Path home, Path javaHome) {
        this(home, javaHome, System.getenv());
    }
}
