/** Machines that are kept ready for whoever needs one next. */
package dev.sallyport.controller.warm;
