package quartet.tensor.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.ConvolutionGraph;
import quartet.cuda.raw.Cudnn;

/**
 * Convolutions by shape, each with the plan that was fastest on this card.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Convolutions implements AutoCloseable {
  private final Cudnn library;
  private final Plans plans;
  private final long workspace;
  private final Map<ConvolutionGraph.Spec, Optional<ConvolutionGraph>> graphs = new HashMap<>();

  Convolutions(Cudnn library, Plans plans, long workspace) {
    this.library = library;
    this.plans = plans;
    this.workspace = workspace;
  }

  /** Addresses of one convolution; {@code bias} and {@code residual} are 0 where there is none. */
  record Operands(long x, long w, long bias, long residual, long y) {}

  /**
   * Queues a convolution.
   *
   * @param timing whether plans may be timed now; not while a graph is recorded
   * @return false if the library cannot do it in one graph
   */
  boolean run(ConvolutionGraph.Spec spec, Operands operands, boolean timing) {
    Optional<ConvolutionGraph> graph = graphs.get(spec);
    if (graph == null) {
      graph = Optional.ofNullable(prepare(spec, operands, timing));
      graphs.put(spec, graph);
    }
    graph.ifPresent(found -> execute(found, operands));
    return graph.isPresent();
  }

  private void execute(ConvolutionGraph graph, Operands o) {
    graph.run(o.x(), o.w(), o.bias(), o.residual(), o.y(), workspace);
  }

  private @Nullable ConvolutionGraph prepare(
      ConvolutionGraph.Spec spec, Operands operands, boolean timing) {
    ConvolutionGraph graph = new ConvolutionGraph(library, spec);
    if (plans.choose(
        "convolution " + spec, graph.graph(), () -> execute(graph, operands), timing)) {
      return graph;
    }
    graph.close();
    return null;
  }

  @Override
  public void close() {
    graphs.values().forEach(graph -> graph.ifPresent(ConvolutionGraph::close));
    graphs.clear();
  }
}
