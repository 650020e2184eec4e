package quartet.cluster.fleet;

/**
 * Goes from one server to another, as jackson-cbor. Servers of two versions work together while a
 * cluster is upgraded: a field may be added if its absence has a meaning, none is ever removed or
 * renamed, and readers pass over what they do not know.
 */
public interface WireMessage {}
