/** What the metrics address tells. */
package dev.sallyport.controller.metrics;
