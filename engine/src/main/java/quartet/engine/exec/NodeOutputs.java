package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node has made: each output slot is a list of values, with one element unless lists are
 * about.
 *
 * @param ui what it shows, or null
 */
record NodeOutputs(List<List<Object>> slots, @Nullable ObjectNode ui) {
  NodeOutputs {
    slots = List.copyOf(slots);
  }
}
