package quartet.engine.graph;

/**
 * A reference to output {@code slot} of another node, written {@code ["nodeId", slot]} in a
 * workflow.
 */
public record Link(String nodeId, int slot) {}
