/**
 * How much one host and one user may have: {@link dev.sallyport.controller.admission.Admission} is the gate that every machine's
 * start goes through, {@link dev.sallyport.controller.admission.StartRates} how often one may ask.
 */
package dev.sallyport.controller.admission;
