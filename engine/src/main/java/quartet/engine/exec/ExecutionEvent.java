package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.Preview;

/**
 * What happens while a plan runs, in order: Cached once, then for each node Started, Progress*,
 * Finished. A lazy node is Started again each time it has got more; nodes that a node puts in its
 * place come between its Started and its Finished; a Message may come in between.
 */
public sealed interface ExecutionEvent {
  /** These nodes' outputs are there already. */
  record Cached(List<String> nodeIds) implements ExecutionEvent {}

  /** A node begins. */
  record NodeStarted(String nodeId) implements ExecutionEvent {}

  /**
   * A node is at {@code value} of {@code max}.
   *
   * @param preview makes a picture of the present state; only valid during the call
   */
  record Progress(String nodeId, int value, int max, Preview preview) implements ExecutionEvent {}

  /**
   * A node is done, now or earlier.
   *
   * @param ui what it shows people, or null
   * @param cached true if an earlier prompt's result was taken
   */
  record NodeFinished(String nodeId, @Nullable ObjectNode ui, boolean cached)
      implements ExecutionEvent {}

  /** A node has its client told something. */
  record Message(String nodeId, ClientMessage message) implements ExecutionEvent {}
}
