package dev.sallyport.image.recipe;

import java.util.List;
import java.util.Map;

/** What a layer is made from. */
public sealed interface LayerRecipe {
    /** The layer's name. */
    String name();

    /**
     * A root file system of Debian packages.
     *
     * @param name the layer's name
     * @param suite the Debian suite
     * @param packages beside those that Debian calls essential
     * @param users accounts of ours
     * @param files files of ours
     * @param links symbolic links: path to target
     * @param masked systemd units that must never start
     * @param removed paths that machines have no use for; {@code *} stands for any characters but a slash
     */
    record Debian(
            String name,
            String suite,
            List<String> packages,
            List<User> users,
            List<FileRecipe> files,
            Map<String, String> links,
            List<String> masked,
            List<String> removed)
            implements LayerRecipe {
        public Debian {
            packages = RecipeParser.orEmpty(packages);
            users = RecipeParser.orEmpty(users);
            files = RecipeParser.orEmpty(files);
            links = RecipeParser.orEmpty(links);
            masked = RecipeParser.orEmpty(masked);
            removed = RecipeParser.orEmpty(removed);
        }
    }

    /**
     * An account with a group of the same name and number, and without a password.
     *
     * @param name of the account
     * @param uid its number
     * @param home its home, mode 0700
     * @param folders further folders of its own
     */
    record User(String name, int uid, String home, List<String> folders) {
        public User {
            folders = RecipeParser.orEmpty(folders);
        }
    }

    /**
     * A file of root's.
     *
     * @param path absolute
     * @param mode octal; {@code 0644} when not given
     * @param content its text
     */
    record FileRecipe(String path, String mode, String content) {
        public FileRecipe {
            mode = mode == null ? "0644" : mode;
        }
    }

    /**
     * Packages of npm, installed globally into a prefix.
     *
     * @param name the layer's name
     * @param packages name to exact version
     * @param to the prefix in the machine
     * @param scripts whether the packages' install scripts may run, on the host
     * @param commands name of a command to its file, relative to the prefix; they take the place of those that npm would link
     * @param removed paths below the prefix that machines have no use for
     */
    record Npm(
            String name,
            Map<String, String> packages,
            String to,
            boolean scripts,
            Map<String, String> commands,
            List<String> removed)
            implements LayerRecipe {
        public Npm {
            packages = RecipeParser.orEmpty(packages);
            commands = RecipeParser.orEmpty(commands);
            removed = RecipeParser.orEmpty(removed);
        }
    }

    /**
     * A folder of the checkout.
     *
     * @param name the layer's name
     * @param from relative to the checkout
     * @param to where it lies in the machine
     */
    record Directory(String name, String from, String to) implements LayerRecipe {}

    /**
     * Our agent with a Java runtime of its own and its AOT cache.
     *
     * @param name the layer's name
     * @param to where it lies in the machine
     * @param from the folder of its jars, relative to the checkout
     * @param mainClass what is started; with {@code --train} it exercises itself and exits with 0
     * @param modules of the JDK that it needs
     * @param flags of the JVM, in training as in machines
     * @param files files of root's, such as its unit
     * @param links symbolic links: path to target
     */
    record Agent(
            String name,
            String to,
            String from,
            String mainClass,
            List<String> modules,
            List<String> flags,
            List<FileRecipe> files,
            Map<String, String> links)
            implements LayerRecipe {
        public Agent {
            modules = RecipeParser.orEmpty(modules);
            flags = RecipeParser.orEmpty(flags);
            files = RecipeParser.orEmpty(files);
            links = RecipeParser.orEmpty(links);
        }
    }
}
