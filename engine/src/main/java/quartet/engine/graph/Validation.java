package quartet.engine.graph;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** Whether a prompt can run. */
public sealed interface Validation {
  /**
   * Errors by node id, in the form of the wire: {@code {"3": {"errors": […], "dependent_outputs":
   * […], "class_type": …}}}.
   */
  ObjectNode nodeErrors();

  /**
   * It can, at least in part: output nodes that failed are left out of the plan and stand in the
   * errors.
   */
  record Ready(ExecutionPlan plan, ObjectNode nodeErrors) implements Validation {}

  /** It cannot. */
  record Invalid(PromptError error, ObjectNode nodeErrors) implements Validation {}
}
