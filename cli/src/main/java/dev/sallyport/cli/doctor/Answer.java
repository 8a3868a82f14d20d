package dev.sallyport.cli.doctor;

/**
 * What trying something out showed.
 *
 * @param usable whether it works
 * @param reason why not, or what was seen
 */
record Answer(boolean usable, String reason) {}
