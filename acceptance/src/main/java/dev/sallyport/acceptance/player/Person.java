package dev.sallyport.acceptance.player;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Somebody in front of a screen, who sees pixels and has a pointer and a keyboard. */
public final class Person {
    /** By how much each of red, green and blue may be off: as much as a screen's own rounding. */
    private static final int TOLERANCE = 6;

    /** Smaller things are not taken for buttons: 8 pixels each way is a letter's stem, or a scroll bar's edge. */
    private static final int SMALLEST_SIDE = 8;

    /** A page that is still being laid out moves its buttons: what is clicked must have stood still for so long. */
    private static final Duration STILL = Duration.ofMillis(300);

    private static final int STEPS = 8;
    private static final int LEFT_BUTTON = 1;
    private static final int SHIFT = 0xffe1;
    /** What stands above other characters on the keys of the keyboard that servers have unless told otherwise. */
    private static final String SHIFTED = "~!@#$%^&*()_+{}|:\"<>?";

    private final RfbClient screen;
    private int pointerX;
    private int pointerY;

    /** @param screen that they sit in front of; it is not closed here */
    public Person(RfbClient screen) {
        this.screen = screen;
    }

    /**
     * Waits until a rectangle of one colour is seen that stands still.
     *
     * @param rgb the colour, 0xRRGGBB
     * @param atMost how long
     * @return the largest one
     * @throws NotSeenException when none is seen in time, or the screen ends before, with what was seen last
     * @throws InterruptedException when the calling thread is interrupted
     */
    public Rectangle awaitRectangle(int rgb, Duration atMost) throws IOException, InterruptedException {
        long start = System.nanoTime();
        long since = start;
        Optional<Rectangle> before = Optional.empty();
        while (true) {
            long seen = screen.updates();
            Optional<Rectangle> now = screen.picture()
                    .largestRectangle(rgb, TOLERANCE)
                    .filter(found -> found.width() >= SMALLEST_SIDE && found.height() >= SMALLEST_SIDE);
            if (!now.equals(before)) {
                before = now;
                since = System.nanoTime();
            }
            Duration left = atMost.minusNanos(System.nanoTime() - start);
            Duration unsteady = STILL.minusNanos(System.nanoTime() - since);
            if (now.isPresent() && !unsteady.isPositive()) {
                return now.get();
            }
            if (!left.isPositive()) {
                throw new NotSeenException(describe(rgb, "within " + atMost.toMillis() + " ms"));
            }
            // With a rectangle in sight, no update at all is as good a sign as one that leaves it where it is.
            boolean sighted = now.isPresent() && unsteady.compareTo(left) < 0;
            try {
                screen.awaitUpdate(seen, sighted ? unsteady : left);
            } catch (IOException e) {
                throw new NotSeenException(describe(rgb, "before the screen ended (" + e.getMessage() + ")"), e);
            }
        }
    }

    /**
     * Moves the pointer to the rectangle's middle, as a hand does, and clicks there.
     *
     * @throws IOException when the screen has ended
     */
    public void click(Rectangle where) throws IOException {
        int fromX = pointerX;
        int fromY = pointerY;
        for (int step = 1; step <= STEPS; step++) {
            pointerX = fromX + (where.middleX() - fromX) * step / STEPS;
            pointerY = fromY + (where.middleY() - fromY) * step / STEPS;
            screen.pointer(pointerX, pointerY, 0);
        }
        screen.pointer(pointerX, pointerY, LEFT_BUTTON);
        screen.pointer(pointerX, pointerY, 0);
    }

    /**
     * Types a text, key by key; a line feed is the return key.
     *
     * @throws IOException when the screen has ended
     */
    public void type(String text) throws IOException {
        for (int character : text.codePoints().toArray()) {
            int keysym = keysym(character);
            // As a hand does: without it a server finds another way to the character, such as Caps Lock.
            boolean shifted = Character.isUpperCase(character) || SHIFTED.indexOf(character) >= 0;
            if (shifted) {
                screen.key(SHIFT, true);
            }
            screen.key(keysym, true);
            screen.key(keysym, false);
            if (shifted) {
                screen.key(SHIFT, false);
            }
        }
    }

    /**
     * Writes what the screen shows as a PNG file, and makes its folder if need be.
     *
     * @throws IOException when the file cannot be written
     */
    public void screenshot(Path png) throws IOException {
        Path folder = png.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        Files.write(png, screen.picture().png());
    }

    /** Latin-1 and Unicode characters have keysyms by rule; the others are function keys. */
    private static int keysym(int character) {
        return switch (character) {
            case '\n' -> 0xff0d;
            case '\t' -> 0xff09;
            case '\b' -> 0xff08;
            case 0x1b -> 0xff1b;
            default -> character < 0x100 ? character : 0x0100_0000 | character;
        };
    }

    private String describe(int rgb, String when) {
        Picture last = screen.picture();
        String of = last.largestRectangle(rgb, TOLERANCE)
                .map(found -> "the largest of it was " + found.width() + "x" + found.height() + " at " + found.x() + ","
                        + found.y())
                .orElse("not a pixel of it");
        return "no rectangle of #%06x was seen %s; after %d updates, the last %d ms ago, the screen shows %s; %s"
                .formatted(rgb, when, screen.updates(), screen.sinceLastUpdate().toMillis(), last.summary(), of);
    }
}
