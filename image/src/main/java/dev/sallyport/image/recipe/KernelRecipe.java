package dev.sallyport.image.recipe;

import java.util.List;

/**
 * What the kernel and the initramfs are made from.
 *
 * @param suite the Debian suite
 * @param packages Debian packages: one with {@code boot/vmlinuz-*} and its modules, one with a static {@code bin/busybox}
 * @param modules what the init may load; what they depend on comes along
 * @param arguments what every boot needs on the kernel's command line
 */
public record KernelRecipe(String suite, List<String> packages, List<String> modules, List<String> arguments) {
    public KernelRecipe {
        packages = RecipeParser.orEmpty(packages);
        modules = RecipeParser.orEmpty(modules);
        arguments = RecipeParser.orEmpty(arguments);
    }
}
