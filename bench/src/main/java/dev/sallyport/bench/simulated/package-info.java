/**
 * Machines without a hypervisor: {@link dev.sallyport.bench.simulated.SimulatedDriver} in the controller's process, and
 * {@link dev.sallyport.bench.simulated.SimulatedAgents}, which plays the agents of all of them, in another.
 */
package dev.sallyport.bench.simulated;
