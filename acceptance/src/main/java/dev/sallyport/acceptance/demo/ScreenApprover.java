package dev.sallyport.acceptance.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.player.Person;
import dev.sallyport.acceptance.player.Rectangle;
import dev.sallyport.acceptance.player.RfbClient;
import dev.sallyport.acceptance.player.WebSocketTransport;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.cli.ApiClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;

/** Plays the user: opens the session's screen as the page does, looks for the button, and presses it. */
public final class ScreenApprover {
    private static final int APPROVE = Integer.decode(StandInVendors.APPROVE_COLOUR);
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private ScreenApprover() {}

    /**
     * Presses a place of the approval page on the screen of session {@code id}.
     *
     * @param place the place, from where "Approve" is seen
     * @param picture where a picture of the page is written before the press
     */
    public static void press(ApiClient api, URI server, String id, UnaryOperator<Rectangle> place, Path picture)
            throws IOException, InterruptedException {
        JsonNode screen = api.get("/api/auth/session/" + id + "/novnc");
        URI socket = URI.create("ws" + server.toString().substring("http".length())
                + screen.path("websocketURL").asText());
        try (var client = RfbClient.connect(WebSocketTransport.connect(socket))) {
            var person = new Person(client);
            Rectangle approve = person.awaitRectangle(APPROVE, PATIENCE);
            person.screenshot(picture);
            person.click(place.apply(approve));
        }
    }

    /** Presses "Approve". */
    public static void approve(ApiClient api, URI server, String id, Path picture)
            throws IOException, InterruptedException {
        press(api, server, id, UnaryOperator.identity(), picture);
    }
}
