package dev.sallyport.acceptance.crash;

import dev.sallyport.cli.ApiClient;
import java.util.List;

/**
 * A controller's figures at one moment.
 *
 * @param lines as it tells them, in Prometheus's text format
 */
record ControllerMetrics(List<String> lines) {
    static ControllerMetrics of(ApiClient api) throws InterruptedException {
        return new ControllerMetrics(
                api.send("GET", "/metrics", null).body().asText().lines().toList());
    }

    /** The sum of all of that name whose labels contain {@code labels}; 0 when there is none. */
    double sum(String name, String... labels) {
        return lines.stream()
                .filter(line ->
                        line.startsWith(name + "{") && List.of(labels).stream().allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
