package dev.sallyport.controller.template;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.sallyport.machine.TemplateKey;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is written down beside a whole template.
 *
 * @param kind of machines
 * @param image the image's id
 * @param madeAt ISO 8601
 * @param bytes of its files by name
 * @param key the parts of its key
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Manifest(String kind, String image, String madeAt, Map<String, Long> bytes, Map<String, String> key) {
    Manifest {
        bytes = Map.copyOf(bytes);
        key = Map.copyOf(key);
    }

    TemplateKey templateKey() {
        return new TemplateKey(new TreeMap<>(key));
    }
}
