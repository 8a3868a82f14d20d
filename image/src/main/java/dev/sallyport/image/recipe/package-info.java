/** Recipes: what kernels, layers and images are made from, read from YAML. */
package dev.sallyport.image.recipe;
