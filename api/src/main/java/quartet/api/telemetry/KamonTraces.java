package quartet.api.telemetry;

import java.util.function.Consumer;
import kamon.Kamon;
import kamon.trace.Span;

/** Ended prompts as span trees: the prompt, its wait, and each node that ran. */
final class KamonTraces implements Consumer<PromptTrace> {
  @Override
  public void accept(PromptTrace prompt) {
    Span root =
        Kamon.spanBuilder("prompt")
            .ignoreParentFromContext()
            .tag("prompt_id", prompt.promptId())
            .tag("gpu", prompt.gpuId())
            .tag("outcome", prompt.outcome())
            .doNotTrackMetrics()
            .start(prompt.accepted());
    Kamon.spanBuilder("queue")
        .asChildOf(root)
        .doNotTrackMetrics()
        .start(prompt.accepted())
        .finish(prompt.started());
    for (PromptTrace.Span node : prompt.nodes()) {
      Kamon.spanBuilder(node.classType().isEmpty() ? "node" : node.classType())
          .asChildOf(root)
          .tag("node_id", node.nodeId())
          .tag("stage", node.stage().label())
          .doNotTrackMetrics()
          .start(node.began())
          .finish(node.ended());
    }
    if (prompt.outcome().equals("failed")) {
      root.fail("the prompt failed; see the history");
    }
    root.finish(prompt.ended());
  }
}
