package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.PlannedNode;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.errors.Required;

/**
 * Runs plans one after the other on one device.
 *
 * <p>Thread: the device's. This is one of the three places where any exception is caught: a node's
 * failure ends its prompt and nothing else.
 */
public final class PromptExecutor {
  private static final int TRACEBACK_LINES = 40;

  private final OutputCache cache;

  /** An executor that keeps results in the given cache. */
  public PromptExecutor(OutputCache cache) {
    this.cache = cache;
  }

  /**
   * Runs a plan to its end.
   *
   * @param contextOf the surroundings of a node, by its id
   */
  public ExecutionOutcome execute(
      ExecutionPlan plan,
      NodeContext.Files files,
      CancelToken cancel,
      Function<String, NodeContext> contextOf,
      Consumer<ExecutionEvent> events) {
    Run run = new Run(plan, cancel, contextOf, events);
    try {
      Map<String, String> keys = CacheKeys.of(plan, files);
      cache.keepOnly(keys.values());
      return run.all(keys);
    } catch (RuntimeException | StackOverflowError | LinkageError | AssertionError e) {
      return run.failed(e);
    }
  }

  /** One plan on its way. */
  private final class Run {
    private final ExecutionPlan plan;
    private final CancelToken cancel;
    private final Function<String, NodeContext> contextOf;
    private final Consumer<ExecutionEvent> events;
    private final Map<String, NodeResult> results = new HashMap<>();
    private final Map<String, ObjectNode> shown = new LinkedHashMap<>();
    private final List<String> executed = new ArrayList<>();
    private String current = "";
    private ObjectNode currentInputs = JsonNodeFactory.instance.objectNode();

    Run(
        ExecutionPlan plan,
        CancelToken cancel,
        Function<String, NodeContext> contextOf,
        Consumer<ExecutionEvent> events) {
      this.plan = plan;
      this.cancel = cancel;
      this.contextOf = contextOf;
      this.events = events;
    }

    ExecutionOutcome all(Map<String, String> keys) {
      for (PlannedNode node : plan.nodes().values()) {
        cache.find(Required.in(keys, node.id())).ifPresent(hit -> results.put(node.id(), hit));
      }
      events.accept(
          new ExecutionEvent.Cached(
              plan.nodes().keySet().stream().filter(results::containsKey).toList()));
      Set<String> needed = needed();
      for (PlannedNode node : plan.nodes().values()) {
        NodeResult cached = results.get(node.id());
        if (cached != null) {
          if (node.registered().schema().output()) {
            finish(node.id(), cached, true);
          }
        } else if (needed.contains(node.id())) {
          current = node.id();
          cancel.throwIfCancelled();
          events.accept(new ExecutionEvent.NodeStarted(node.id()));
          NodeResult result = runNode(node);
          executed.add(node.id());
          results.put(node.id(), result);
          cache.put(Required.in(keys, node.id()), result);
          finish(node.id(), result, false);
        }
      }
      return new ExecutionOutcome.Succeeded(shown);
    }

    /** What the outputs still need: a cached node's own ancestors do not run. */
    private Set<String> needed() {
      Set<String> needed = new HashSet<>();
      Deque<String> open = new ArrayDeque<>(plan.outputs());
      while (!open.isEmpty()) {
        String id = open.pop();
        if (!results.containsKey(id) && needed.add(id)) {
          Required.in(plan.nodes(), id).links().values().forEach(link -> open.push(link.nodeId()));
        }
      }
      return needed;
    }

    private NodeResult runNode(PlannedNode node) {
      Map<String, Object> values = new HashMap<>(node.constants());
      node.links()
          .forEach(
              (name, link) ->
                  values.put(name, Required.in(results, link.nodeId()).outputs().get(link.slot())));
      currentInputs = describe(values);
      NodeResult result =
          node.registered().node().run(new NodeInputs(values), contextOf.apply(node.id()));
      int promised = node.registered().schema().outputs().size();
      if (result.outputs().size() != promised) {
        throw new IllegalStateException(
            "node %s (%s) promised %d outputs and returned %d"
                .formatted(node.id(), node.className(), promised, result.outputs().size()));
      }
      return result;
    }

    private void finish(String id, NodeResult result, boolean cached) {
      if (result.ui() != null) {
        shown.put(id, result.ui());
      }
      events.accept(new ExecutionEvent.NodeFinished(id, result.ui(), cached));
    }

    ExecutionOutcome failed(Throwable failure) {
      PlannedNode at = plan.nodes().get(current);
      String type = at == null ? "" : at.className();
      if (failure instanceof PromptInterruptedException) {
        return new ExecutionOutcome.Interrupted(shown, current, type, executed);
      }
      ErrorKind kind =
          failure instanceof EngineException engine
              ? engine.kind()
              : failure instanceof IllegalArgumentException ? ErrorKind.INPUT : ErrorKind.INTERNAL;
      String exceptionType =
          failure instanceof EngineException engine
              ? engine.code().name()
              : failure.getClass().getSimpleName();
      String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
      return new ExecutionOutcome.Failed(
          shown,
          current,
          type,
          kind,
          message,
          exceptionType,
          traceback(failure),
          executed,
          currentInputs);
    }
  }

  private static List<String> traceback(Throwable failure) {
    return Stream.of(failure.getStackTrace())
        .limit(TRACEBACK_LINES)
        .map(frame -> "  at " + frame)
        .toList();
  }

  private static ObjectNode describe(Map<String, Object> values) {
    ObjectNode described = JsonNodeFactory.instance.objectNode();
    values.forEach(
        (name, value) -> {
          switch (value) {
            case Long number -> described.putArray(name).add(number);
            case Double number -> described.putArray(name).add(number);
            case Boolean flag -> described.putArray(name).add(flag);
            case String text -> described.putArray(name).add(text);
            default -> described.putArray(name).add(value.getClass().getSimpleName());
          }
        });
    return described;
  }
}
