/** How many live sessions one controller holds, and what each costs: {@link dev.sallyport.bench.sessions.SessionsBench}. */
package dev.sallyport.bench.sessions;
