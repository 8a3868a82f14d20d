/** The HTTP API: resources, their JSON, who may call, and the server that carries them. */
package dev.sallyport.controller.http;
