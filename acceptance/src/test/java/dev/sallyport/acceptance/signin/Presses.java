package dev.sallyport.acceptance.signin;

import dev.sallyport.acceptance.demo.ScreenApprover;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.player.Rectangle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** Presses buttons from a thread that can throw nothing checked; a press that fails shows as a session that does not end as expected. */
final class Presses {
    private Presses() {}

    static void press(Stage stage, String id, UnaryOperator<Rectangle> place, Path picture) {
        try {
            ScreenApprover.press(stage.admin(), stage.address(), id, place, picture);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
