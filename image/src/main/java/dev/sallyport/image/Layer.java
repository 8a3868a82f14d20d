package dev.sallyport.image;

import java.nio.file.Path;
import java.util.UUID;

/**
 * A read-only file system, named by its content.
 *
 * @param name what it holds, such as {@code root-browser}, {@code agent}, {@code tool-codex}
 * @param digest SHA-256 of the file in lower-case hexadecimal
 * @param uuid of the file system's superblock: how the initramfs finds it, whatever the driver calls the disk
 * @param file where it lies in the store
 * @param bytes the file's size
 */
public record Layer(String name, String digest, UUID uuid, Path file, long bytes) {}
