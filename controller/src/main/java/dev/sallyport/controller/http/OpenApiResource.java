package dev.sallyport.controller.http;

import io.swagger.v3.core.util.Json;
import io.swagger.v3.jaxrs2.Reader;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.Set;
import java.util.function.Supplier;

/** The API's description (OpenAPI 3), generated from the resources themselves when it is first asked for. */
@Path("/openapi.json")
public final class OpenApiResource {
    private final Supplier<String> document = StableText.of(OpenApiResource::describe);

    @GET
    @Produces(MediaType.APPLICATION_JSON)
    public String get() {
        return document.get();
    }

    private static String describe() {
        OpenAPI api = new OpenAPI()
                .info(new Info().title("Sallyport").version("0.1.0"))
                .components(new Components()
                        .addSecuritySchemes(
                                "bearer",
                                new SecurityScheme()
                                        .type(SecurityScheme.Type.HTTP)
                                        .scheme("bearer")))
                .addSecurityItem(new SecurityRequirement().addList("bearer"));
        return Json.pretty(
                new Reader(api).read(Set.of(SessionResource.class, MachineResource.class, SystemResource.class)));
    }

    /** Makes a text once. */
    private static final class StableText implements Supplier<String> {
        private final Supplier<String> make;
        private @org.jspecify.annotations.Nullable String made;

        private StableText(Supplier<String> make) {
            this.make = make;
        }

        static Supplier<String> of(Supplier<String> make) {
            return new StableText(make);
        }

        @Override
        public synchronized String get() {
            String known = made;
            if (known == null) {
                known = make.get();
                made = known;
            }
            return known;
        }
    }
}
