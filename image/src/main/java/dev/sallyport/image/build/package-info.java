/** Makes images: kernel, initramfs and layers, each once, with what Debian, npm and the JDK offer. */
package dev.sallyport.image.build;
