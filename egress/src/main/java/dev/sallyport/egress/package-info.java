/**
 * The gateway through which alone machines reach the world: an HTTP proxy (RFC 9110, section 9.3.6) for each machine, which
 * takes tunnels to the hosts of its list and nothing else. What travels in a tunnel is never looked at.
 */
package dev.sallyport.egress;
