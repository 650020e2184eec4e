package quartet.engine.exec;

import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.node.NodeContext;
import quartet.engine.run.CancelToken;

/**
 * Runs plans one after the other on one device.
 *
 * <p>Thread: the device's. This is one of the three places where any exception is caught: a node's
 * failure ends its prompt and nothing else.
 */
public final class PromptExecutor {
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
    PromptRun run = new PromptRun(plan, cache, cancel, contextOf, events);
    try {
      Map<String, String> keys = CacheKeys.of(plan, files);
      cache.begin(keys.values());
      return run.all(keys);
    } catch (RuntimeException | StackOverflowError | LinkageError | AssertionError e) {
      return run.failed(e);
    }
  }
}
