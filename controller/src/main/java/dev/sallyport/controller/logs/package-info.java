/** What is kept of machines and builds that are gone: their logs, for a time. */
package dev.sallyport.controller.logs;
