/** The controller: {@link dev.sallyport.controller.Controller} shows the whole wiring. */
package dev.sallyport.controller;
