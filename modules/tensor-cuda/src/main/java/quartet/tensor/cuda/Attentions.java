package quartet.tensor.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cuda.raw.AttentionGraph;
import quartet.cuda.raw.Cudnn;
import quartet.errors.EngineException;

/**
 * Attention by shape: cuDNN's plan or our own kernel, whichever was faster on this card.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Attentions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Attentions.class);
  private static final String OWN = "own";

  private final Cudnn library;
  private final Plans plans;
  private final long workspace;
  private final Map<AttentionGraph.Spec, Optional<AttentionGraph>> graphs = new HashMap<>();

  Attentions(Cudnn library, Plans plans, long workspace) {
    this.library = library;
    this.plans = plans;
    this.workspace = workspace;
  }

  /** Addresses of one attention. */
  record Operands(long q, long k, long v, long out) {}

  /**
   * Queues an attention.
   *
   * @param own queues our own kernel on the same operands
   * @param timing whether ways may be timed now; not while a graph is recorded
   */
  void run(AttentionGraph.Spec spec, Operands operands, Runnable own, boolean timing) {
    Optional<AttentionGraph> graph = graphs.get(spec);
    if (graph == null) {
      graph = Optional.ofNullable(prepare(spec, operands, own, timing));
      graphs.put(spec, graph);
    }
    if (graph.isPresent()) {
      execute(graph.get(), operands);
    } else {
      own.run();
    }
  }

  private void execute(AttentionGraph graph, Operands o) {
    graph.run(o.q(), o.k(), o.v(), o.out(), workspace);
  }

  private @Nullable AttentionGraph prepare(
      AttentionGraph.Spec spec, Operands operands, Runnable own, boolean timing) {
    String key = "attention " + spec;
    if (OWN.equals(plans.tuning().choice(key))) {
      return null;
    }
    AttentionGraph graph = describe(spec);
    if (graph == null) {
      return null;
    }
    Runnable run = () -> execute(graph, operands);
    boolean known = plans.tuning().choice(key) != null;
    if (plans.choose(key, graph.graph(), run, timing)
        && (known || !isSlower(key, run, own, timing))) {
      return graph;
    }
    graph.close();
    return null;
  }

  private @Nullable AttentionGraph describe(AttentionGraph.Spec spec) {
    try {
      return new AttentionGraph(library, spec);
    } catch (EngineException e) {
      LOG.debug("cuDNN does not know {}: {}", spec, e.getMessage());
      return null;
    }
  }

  private boolean isSlower(String key, Runnable run, Runnable own, boolean timing) {
    if (!plans.settings().tune() || !timing) {
      return false;
    }
    if (plans.stopwatch().milliseconds(run) <= plans.stopwatch().milliseconds(own)) {
      return false;
    }
    plans.tuning().choose(key, OWN);
    return true;
  }

  @Override
  public void close() {
    graphs.values().forEach(graph -> graph.ifPresent(AttentionGraph::close));
    graphs.clear();
  }
}
