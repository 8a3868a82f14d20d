package dev.sallyport.acceptance.player;

/** The screen's pixels as 0xRRGGBB. Every write is checked against its edges. Not thread-safe. */
final class Framebuffer {
    /** Largest width and height taken. */
    static final int MAX_SIDE = 8192;

    /** Most pixels taken: four times a 3840x2160 screen would be over it. */
    static final int MAX_PIXELS = 16 * 1024 * 1024;

    private int width;
    private int height;
    private int[] pixels;

    Framebuffer(int width, int height) throws RfbException {
        check(width, height);
        this.width = width;
        this.height = height;
        pixels = new int[width * height];
    }

    private static void check(int width, int height) throws RfbException {
        if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
            throw new RfbException("a screen of " + width + "x" + height + " pixels is not taken");
        }
    }

    void resize(int newWidth, int newHeight) throws RfbException {
        check(newWidth, newHeight);
        var resized = new int[newWidth * newHeight];
        for (int y = 0; y < Math.min(height, newHeight); y++) {
            System.arraycopy(pixels, y * width, resized, y * newWidth, Math.min(width, newWidth));
        }
        width = newWidth;
        height = newHeight;
        pixels = resized;
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    void checkInside(int x, int y, int w, int h) throws RfbException {
        if (x + w > width || y + h > height) {
            throw new RfbException("a rectangle of %dx%d at %d,%d lies outside of a screen of %dx%d"
                    .formatted(w, h, x, y, width, height));
        }
    }

    /** Sets one pixel; the place was checked by {@link #checkInside}. */
    void set(int x, int y, int rgb) {
        pixels[y * width + x] = rgb;
    }

    /** Copies a rectangle; both places are checked here. */
    void copy(int fromX, int fromY, int x, int y, int w, int h) throws RfbException {
        checkInside(fromX, fromY, w, h);
        checkInside(x, y, w, h);
        // Rows in the order in which an overlapping copy does not read what it has written.
        boolean upwards = fromY < y;
        for (int i = 0; i < h; i++) {
            int row = upwards ? h - 1 - i : i;
            System.arraycopy(pixels, (fromY + row) * width + fromX, pixels, (y + row) * width + x, w);
        }
    }

    Picture picture() {
        return new Picture(width, height, pixels.clone());
    }
}
