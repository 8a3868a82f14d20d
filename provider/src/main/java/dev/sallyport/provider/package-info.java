/** Provider definitions: what Sallyport knows of each tool that can be signed in to, and the parser of their files. */
package dev.sallyport.provider;
