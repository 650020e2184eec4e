package quartet.engine.exec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeContext;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.run.CancelToken;

/** Runs prompts over given nodes, one after the other, and keeps the last one's events. */
final class GraphRun {
  final List<ExecutionEvent> events = new ArrayList<>();
  private final GraphValidator validator;
  private final PromptExecutor executor;

  GraphRun(List<Node> nodes, CacheMode mode) {
    validator = new GraphValidator(FakeNode.registry(nodes), FakeCatalog.small());
    executor = new PromptExecutor(new OutputCache(mode));
  }

  GraphRun(List<Node> nodes) {
    this(nodes, new CacheMode.Classic());
  }

  ExecutionOutcome run(String prompt) {
    events.clear();
    Validation validation = validator.validate(Json.object(prompt), null);
    if (!(validation instanceof Validation.Ready ready)) {
      throw new AssertionError(validation.toString());
    }
    NodeContext context = FakeContext.below(Path.of("target/graph-run"));
    return executor.execute(
        ready.plan(),
        Folders.below(Path.of("target/graph-run")),
        CancelToken.NEVER,
        id -> context,
        events::add);
  }

  List<String> cached() {
    return ((ExecutionEvent.Cached) events.getFirst()).nodeIds();
  }

  /** Ids of the nodes that began, in order. */
  List<String> started() {
    return events.stream()
        .filter(ExecutionEvent.NodeStarted.class::isInstance)
        .map(event -> ((ExecutionEvent.NodeStarted) event).nodeId())
        .toList();
  }
}
