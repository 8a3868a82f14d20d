/**
 * Sealed credentials: AES-256-GCM under a key set that can be rotated, itself sealed by the master key. Nothing here prints,
 * logs or keeps plain text, and nothing here knows SQL: rows are kept by a {@link dev.sallyport.vault.SealedStore}.
 */
package dev.sallyport.vault;
