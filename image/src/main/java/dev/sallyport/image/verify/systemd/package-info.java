/** What systemd reads, offline: unit files, the links that enable them, and what a boot's transaction makes of them. */
package dev.sallyport.image.verify.systemd;
