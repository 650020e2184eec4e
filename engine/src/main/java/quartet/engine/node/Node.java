package quartet.engine.node;

import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * One kind of work in a workflow. Stateless: one instance serves all prompts and all devices at
 * once.
 *
 * <p>The context gives the device; a node never names one. A node that does is found by the
 * start-up check and named in the log.
 */
public interface Node {
  /** What the outside knows of it. */
  NodeSchema schema();

  /**
   * Does the work.
   *
   * <p>Thread: the device's; of a host-only node any, one at a time for each prompt. Errors:
   * whatever it throws ends the prompt with that message.
   */
  NodeResult run(NodeInputs inputs, NodeContext context);

  /**
   * A check beyond types and ranges, before the prompt is queued. Sees constants only.
   *
   * @return what is wrong, or empty
   */
  default Optional<String> check(NodeInputs constants, Catalog catalog) {
    return Optional.empty();
  }

  /** Names of inputs whose range and membership checks {@link #check} replaces. */
  default Set<String> checkedByItself() {
    return Set.of();
  }

  /**
   * Something that changes when the result may change although the inputs did not, such as a file's
   * hash. Empty for a pure function of its inputs.
   */
  default Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return Optional.empty();
  }

  /** A stamp that is never the same: the node runs in every prompt. */
  static Optional<String> alwaysChanged() {
    return Optional.of(UUID.randomUUID().toString());
  }

  /**
   * Which lazy inputs it needs, given those that are there. Asked before {@link #run}, and again
   * after each time more of them have come. Names of inputs that are there or not connected do not
   * matter.
   *
   * @param known constants, inputs that are not lazy, and lazy ones that have come
   */
  default Set<String> needs(NodeInputs known) {
    return schema().lazy();
  }
}
