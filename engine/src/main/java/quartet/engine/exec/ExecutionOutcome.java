package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import quartet.errors.ErrorKind;

/** How a prompt ended. */
public sealed interface ExecutionOutcome {
  /** What nodes showed, by node id, also of a prompt that did not finish. */
  Map<String, ObjectNode> shown();

  /** Everything ran. */
  record Succeeded(Map<String, ObjectNode> shown) implements ExecutionOutcome {}

  /**
   * A node failed.
   *
   * @param kind who has to act
   * @param executed nodes that ran before, in order
   * @param currentInputs the failing node's inputs, as text where they are not numbers, texts or
   *     flags
   */
  record Failed(
      Map<String, ObjectNode> shown,
      String nodeId,
      String nodeType,
      ErrorKind kind,
      String message,
      String exceptionType,
      List<String> traceback,
      List<String> executed,
      ObjectNode currentInputs)
      implements ExecutionOutcome {
    /** An end that no node brought about. */
    public static Failed outsideNodes(ErrorKind kind, String message) {
      return new Failed(
          Map.of(),
          "",
          "",
          kind,
          message,
          kind.name(),
          List.of(),
          List.of(),
          JsonNodeFactory.instance.objectNode());
    }
  }

  /** The prompt was stopped at a node. */
  record Interrupted(
      Map<String, ObjectNode> shown, String nodeId, String nodeType, List<String> executed)
      implements ExecutionOutcome {}
}
