package dev.sallyport.agent.http;

/**
 * Where an endpoint lies.
 *
 * @param method the HTTP method
 * @param path the whole path; one that ends with {@code /*} takes any one last segment, when no whole path fits
 * @param open whether it is answered without a token
 * @param endpoint what answers
 */
public record Route(String method, String path, boolean open, Endpoint endpoint) {
    boolean isAt(String asked) {
        if (!path.endsWith("/*")) {
            return path.equals(asked);
        }
        String folder = path.substring(0, path.length() - 1);
        return asked.startsWith(folder) && asked.length() > folder.length() && asked.indexOf('/', folder.length()) < 0;
    }

    boolean isWhole() {
        return !path.endsWith("/*");
    }
}
