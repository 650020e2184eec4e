package quartet.engine.exec;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.node.NodeContext;
import quartet.engine.run.CancelToken;

/**
 * Runs plans one after the other on one device.
 *
 * <p>Thread: the device's; but what {@link #begin} leaves runs wherever its caller wants. This is
 * one of the three places where any exception is caught: a node's failure ends its prompt and
 * nothing else.
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
    return begin(plan, files, cancel, contextOf, events).finish();
  }

  /**
   * Runs a plan until it ends or nothing is left that needs the device. What the rest makes gets
   * into the cache when the next plan begins; if that one could use it, it waits for it.
   *
   * @param contextOf the surroundings of a node, by its id
   */
  public Remainder<ExecutionOutcome> begin(
      ExecutionPlan plan,
      NodeContext.Files files,
      CancelToken cancel,
      Function<String, NodeContext> contextOf,
      Consumer<ExecutionEvent> events) {
    PromptRun run = new PromptRun(plan, cache, cancel, contextOf, events);
    try {
      Map<String, String> keys = CacheKeys.of(plan, files);
      cache.begin(keys.values());
      if (!run.leavesDevice(keys)) {
        return new Remainder.Nothing<>(run.outcome());
      }
    } catch (RuntimeException | StackOverflowError | LinkageError | AssertionError e) {
      return new Remainder.Nothing<>(run.failed(e));
    }
    CompletableFuture<Map<String, NodeOutputs>> made = new CompletableFuture<>();
    cache.expect(run.keysLeft(), made);
    return new Remainder.HostNodes<>(() -> rest(run, made));
  }

  /** On any thread. */
  private static ExecutionOutcome rest(
      PromptRun run, CompletableFuture<Map<String, NodeOutputs>> made) {
    try {
      return run.rest();
    } catch (RuntimeException | StackOverflowError | LinkageError | AssertionError e) {
      return run.failed(e);
    } finally {
      made.complete(run.made());
    }
  }
}
