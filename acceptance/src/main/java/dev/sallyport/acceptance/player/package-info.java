/**
 * A player of the user's part who has a screen, a pointer and a keyboard, and nothing else: whole-system tests and the demo sign
 * in by looking for a button's colour in the pixels that a viewer gets.
 */
package dev.sallyport.acceptance.player;
