/** Machines as microVMs of QEMU, under KVM where a guest has been seen to run under it, and under emulation elsewhere. */
package dev.sallyport.machine.qemu;
