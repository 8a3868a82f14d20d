package dev.sallyport.image.build;

import java.io.IOException;
import java.nio.file.Path;

/** What all uses of mmdebstrap(1) share. */
final class Mmdebstrap {
    private Mmdebstrap() {}

    /**
     * Where it may put its temporary folder. As root that is the workspace, which is swept; in a user namespace its root must be
     * able to enter it, which it cannot below a home of mode 0700, so there it lies outside.
     */
    static String temporary(Making making) throws IOException {
        Path folder = isRoot() ? making.folder() : making.workspace().outside();
        return folder.toString();
    }

    static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }
}
