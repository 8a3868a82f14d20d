package dev.sallyport.controller.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.InvalidIdException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns every exception that leaves a resource into a problem document. What is not expected is logged, and told as UNKNOWN. */
@Provider
public final class ProblemMapper implements ExceptionMapper<Throwable> {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemMapper.class);

    @Override
    public Response toResponse(Throwable thrown) {
        Problem problem =
                thrown instanceof FailureException failure ? Problem.of(failure) : Problem.of(causeOf(thrown));
        return Response.status(problem.status())
                .type(Problem.MEDIA_TYPE)
                .header(Problem.RETRY_AFTER, problem.retryAfter()) // None when it is null.
                .entity(problem)
                .build();
    }

    static Cause causeOf(Throwable thrown) {
        return switch (thrown) {
            case FailureException failure -> failure.reason();
            case InvalidIdException invalid -> Cause.of(CauseCode.BAD_REQUEST, String.valueOf(invalid.getMessage()));
            case IllegalTransitionException illegal ->
                Cause.of(CauseCode.CONFLICT, String.valueOf(illegal.getMessage()));
            case BodyLimit.Exceeded exceeded ->
                Cause.of(CauseCode.BODY_TOO_LARGE, String.valueOf(exceeded.getMessage()));
            case JsonMappingException json
            when json.getCause() instanceof BodyLimit.Exceeded exceeded ->
                Cause.of(CauseCode.BODY_TOO_LARGE, String.valueOf(exceeded.getMessage()));
            case JsonMappingException json
            when rootOf(json) instanceof InvalidIdException invalid ->
                Cause.of(CauseCode.BAD_REQUEST, String.valueOf(invalid.getMessage()));
            // The parser's message quotes the body, which may hold a secret: only the place is told.
            case JsonProcessingException json ->
                Cause.of(CauseCode.BAD_REQUEST, "The body is not the JSON expected: " + place(json));
            case WebApplicationException web -> ofStatus(web);
            default -> {
                LOG.error("A request failed for a reason that has no name", thrown);
                yield Cause.of(CauseCode.UNKNOWN, thrown.getClass().getSimpleName());
            }
        };
    }

    private static Throwable rootOf(Throwable thrown) {
        Throwable root = thrown;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    private static String place(JsonProcessingException json) {
        String field = json instanceof JsonMappingException mapping
                        && !mapping.getPath().isEmpty()
                ? "field '" + mapping.getPath().getLast().getFieldName() + "', "
                : "";
        return json.getLocation() == null
                ? field + "no place known"
                : field + "line " + json.getLocation().getLineNr() + ", column "
                        + json.getLocation().getColumnNr();
    }

    private static Cause ofStatus(WebApplicationException web) {
        int status = web.getResponse().getStatus();
        CauseCode code = switch (status) {
            case 401 -> CauseCode.UNAUTHENTICATED;
            case 403 -> CauseCode.FORBIDDEN;
            case 404 -> CauseCode.NOT_FOUND;
            case 405 -> CauseCode.METHOD_NOT_ALLOWED;
            case 413 -> CauseCode.BODY_TOO_LARGE;
            case 415 -> CauseCode.UNSUPPORTED_MEDIA_TYPE;
            default -> status < 500 ? CauseCode.BAD_REQUEST : CauseCode.UNKNOWN;
        };
        return Cause.of(code, "");
    }
}
