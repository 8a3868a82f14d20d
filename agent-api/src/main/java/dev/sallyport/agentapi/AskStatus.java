package dev.sallyport.agentapi;

import dev.sallyport.provider.Provider;

/** @param provider whose tool is asked whether it is signed in */
public record AskStatus(Provider provider) {}
