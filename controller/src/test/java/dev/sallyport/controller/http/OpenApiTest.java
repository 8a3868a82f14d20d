package dev.sallyport.controller.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OpenApiTest {
    private final OpenApiResource api = new OpenApiResource();

    @ParameterizedTest
    @CsvSource({"/api/auth/start, StartRequest", "/api/vm/create, CreateRequest"})
    void aStartTakesItsBodyAndNothingOfTheServersOwn(String path, String body) throws IOException {
        JsonNode operation =
                HttpServer.json().readTree(api.get()).path("paths").path(path).path("post");

        assertThat(operation.path("parameters").isMissingNode()).isTrue();
        assertThat(operation
                        .at("/requestBody/content/application~1json/schema/$ref")
                        .asText())
                .isEqualTo("#/components/schemas/" + body);
    }

    @Test
    void itIsMadeOnce() {
        assertThat(api.get()).isSameAs(api.get());
    }
}
