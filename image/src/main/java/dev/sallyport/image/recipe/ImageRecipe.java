package dev.sallyport.image.recipe;

import java.util.List;

/**
 * What an image is made from.
 *
 * @param name its name, and that of the alias
 * @param layers lowest first
 */
public record ImageRecipe(String name, List<LayerRecipe> layers) {
    public ImageRecipe {
        layers = List.copyOf(layers);
    }
}
