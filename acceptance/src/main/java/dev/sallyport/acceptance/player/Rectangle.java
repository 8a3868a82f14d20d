package dev.sallyport.acceptance.player;

/**
 * A part of a screen, in pixels.
 *
 * @param x of its left edge, from the screen's left
 * @param y of its upper edge, from the screen's top
 * @param width at least 1
 * @param height at least 1
 */
public record Rectangle(int x, int y, int width, int height) {
    /** The column of its middle. */
    public int middleX() {
        return x + width / 2;
    }

    /** The row of its middle. */
    public int middleY() {
        return y + height / 2;
    }

    /** How many pixels it has. */
    public int area() {
        return width * height;
    }
}
