package quartet.engine.node;

import org.jspecify.annotations.Nullable;

/**
 * Put into an output instead of a value: nodes that depend on it do not run, the rest of the prompt
 * does. A node that chooses one of several ways blocks the others with it.
 *
 * @param message told to the client once, by the first node that is kept from running; or null to
 *     say nothing
 */
public record Blocked(@Nullable String message) {
  /** Says nothing. */
  public static final Blocked SILENTLY = new Blocked(null);
}
