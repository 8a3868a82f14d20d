package dev.sallyport.image.build;

import dev.sallyport.image.Workspace;
import java.nio.file.Path;

/**
 * Where and how one part is being made.
 *
 * @param workspace a folder for it alone
 * @param commands runs other programs, logging what they say
 * @param progress told of how far it is
 * @param downloads a folder that outlives the build, for what was fetched
 */
record Making(Workspace workspace, Commands commands, Progress progress, Path downloads) {
    Path folder() {
        return workspace.folder();
    }
}
