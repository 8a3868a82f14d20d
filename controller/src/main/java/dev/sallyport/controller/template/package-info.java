/** Templates: what machines begin from instead of booting, made behind the scenes. */
package dev.sallyport.controller.template;
