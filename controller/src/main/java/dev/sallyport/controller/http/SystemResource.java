package dev.sallyport.controller.http;

import dev.sallyport.controller.http.Views.CatalogueView;
import dev.sallyport.controller.http.Views.CausesAnswer;
import dev.sallyport.controller.http.Views.Done;
import dev.sallyport.controller.http.Views.HealthAnswer;
import dev.sallyport.controller.http.Views.ImageView;
import dev.sallyport.controller.http.Views.ImagesAnswer;
import dev.sallyport.controller.http.Views.LayerView;
import dev.sallyport.controller.http.Views.MeAnswer;
import dev.sallyport.controller.http.Views.NewTokenAnswer;
import dev.sallyport.controller.http.Views.ProviderView;
import dev.sallyport.controller.http.Views.ProvidersAnswer;
import dev.sallyport.controller.http.Views.TokenView;
import dev.sallyport.controller.http.Views.TokensAnswer;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.Page;
import dev.sallyport.controller.store.StoredToken;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import dev.sallyport.provider.Providers;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What is not about one sign-in or machine: health, metrics, who calls, providers, images, tokens. */
@Path("/")
@Produces(MediaType.APPLICATION_JSON)
public final class SystemResource {
    private static final String VERSION = "0.1.0";

    private final Sessions sessions;
    private final Providers providers;
    private final ImageStore images;
    private final TokenStore tokens;
    private final PrometheusMeterRegistry metrics;

    SystemResource(
            Sessions sessions,
            Providers providers,
            ImageStore images,
            TokenStore tokens,
            PrometheusMeterRegistry metrics) {
        this.sessions = sessions;
        this.providers = providers;
        this.images = images;
        this.tokens = tokens;
        this.metrics = metrics;
    }

    /** The body of {@code POST /api/tokens}. */
    record TokenRequest(
            @Nullable String userId,
            @Nullable String label,
            @Nullable Long validSeconds) {}

    @GET
    @Path("health")
    public HealthAnswer health() {
        return new HealthAnswer("ok", Instant.now().toString(), sessions.active(), VERSION);
    }

    /** Metrics in Prometheus' text form; for the admin. */
    @GET
    @Path("metrics")
    @Produces("text/plain; version=0.0.4; charset=utf-8")
    public String metrics(@Context ContainerRequestContext request) {
        Authentication.callerOf(request).mustBeAdmin();
        return metrics.scrape();
    }

    @GET
    @Path("api/me")
    public MeAnswer me(@Context ContainerRequestContext request) {
        Caller caller = Authentication.callerOf(request);
        return new MeAnswer(
                caller.isAdmin() ? "admin" : "user",
                caller.user().map(UserId::value).orElse(null));
    }

    @GET
    @Path("api/providers")
    public ProvidersAnswer providers() {
        return new ProvidersAnswer(providers.all().stream()
                .map(known -> new ProviderView(
                        known.id().value(), known.name(), known.tool().version()))
                .toList());
    }

    /** The catalogue of causes: what a code means, and what to do. The same for everybody, without a token too. */
    @GET
    @Path("api/causes")
    public CausesAnswer causes() {
        return new CausesAnswer(
                Arrays.stream(CauseCode.values()).map(CatalogueView::of).toList());
    }

    @GET
    @Path("api/images")
    public ImagesAnswer images(@Context ContainerRequestContext request) {
        Authentication.callerOf(request).mustBeAdmin();
        return new ImagesAnswer(images.images().stream().map(this::view).toList());
    }

    /** Makes a user's token. Its text is in this answer and nowhere else. */
    @POST
    @Path("api/tokens")
    @Consumes(MediaType.APPLICATION_JSON)
    public NewTokenAnswer issue(@Context ContainerRequestContext request, @Nullable TokenRequest body) {
        Authentication.callerOf(request).mustBeAdmin();
        if (body == null || body.userId() == null) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The field 'userId' is missing.");
        }
        Long seconds = body.validSeconds();
        if (seconds != null && seconds < 1) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "'validSeconds' must be 1 or more.");
        }
        TokenStore.Issued issued = tokens.issue(
                new UserId(body.userId()),
                body.label() == null ? "" : body.label(),
                seconds == null ? null : Duration.ofSeconds(seconds));
        return new NewTokenAnswer(TokenView.of(issued.token()), issued.secret().reveal());
    }

    @GET
    @Path("api/tokens")
    public TokensAnswer tokens(
            @Context ContainerRequestContext request,
            @QueryParam("before") @Nullable String before,
            @QueryParam("limit") @DefaultValue("50") int limit) {
        Page<StoredToken> page =
                tokens.list(SessionResource.scope(Authentication.callerOf(request)), before, Limits.page(limit));
        return new TokensAnswer(page.items().stream().map(TokenView::of).toList(), page.next());
    }

    @DELETE
    @Path("api/tokens/{id}")
    public Done revoke(@Context ContainerRequestContext request, @PathParam("id") String id) {
        if (!tokens.revoke(SessionResource.scope(Authentication.callerOf(request)), id)) {
            throw FailureException.of(CauseCode.NOT_FOUND, "There is no such token.");
        }
        return new Done(true);
    }

    private ImageView view(Image image) {
        return new ImageView(
                image.id(),
                image.recipe(),
                image.created().toString(),
                images.current(image.recipe())
                        .filter(current -> current.id().equals(image.id()))
                        .isPresent(),
                image.layers().stream().mapToLong(Layer::bytes).sum(),
                image.layers().stream()
                        .map(layer -> new LayerView(layer.name(), layer.digest(), layer.bytes()))
                        .toList());
    }
}
