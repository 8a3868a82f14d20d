package dev.sallyport.agentapi;

import java.util.List;

/** @param paths what was written, relative to the home */
public record Written(List<String> paths) {}
