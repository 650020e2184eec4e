package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.ConvolutionGraph;
import quartet.cuda.raw.Cudnn;

/**
 * Convolutions by shape, each with the plan that was fastest on this card.
 *
 * <p>A choice is remembered as the plan's place in the library's list of proposals, which is the
 * same for a version, card and graph.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Convolutions implements AutoCloseable {
  private final Cudnn library;
  private final Tuning tuning;
  private final Stopwatch stopwatch;
  private final CudaSettings settings;
  private final long workspace;
  private final Map<ConvolutionGraph.Spec, Optional<ConvolutionGraph>> graphs = new HashMap<>();

  Convolutions(
      Cudnn library, Tuning tuning, Stopwatch stopwatch, CudaSettings settings, long workspace) {
    this.library = library;
    this.tuning = tuning;
    this.stopwatch = stopwatch;
    this.settings = settings;
    this.workspace = workspace;
  }

  /** Addresses of one convolution; {@code bias} and {@code residual} are 0 where there is none. */
  record Operands(long x, long w, long bias, long residual, long y) {}

  /**
   * Queues a convolution.
   *
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
    if (choose(graph, spec, operands, timing)) {
      return graph;
    }
    graph.close();
    return null;
  }

  private boolean choose(
      ConvolutionGraph graph, ConvolutionGraph.Spec spec, Operands operands, boolean timing) {
    String key = "convolution " + spec;
    List<MemorySegment> proposals = graph.configurations(settings.candidates());
    String known = tuning.choice(key);
    if (known != null && Integer.parseInt(known) < proposals.size()) {
      ConvolutionGraph.Plan plan =
          graph.build(proposals.get(Integer.parseInt(known)), settings.workspaceBytes());
      if (plan != null) {
        graph.choose(plan);
        return true;
      }
    }
    boolean timed = settings.tune() && timing;
    ConvolutionGraph.Plan best = null;
    int place = -1;
    float fastest = Float.POSITIVE_INFINITY;
    for (int i = 0; i < proposals.size() && (timed || best == null); i++) {
      ConvolutionGraph.Plan plan = graph.build(proposals.get(i), settings.workspaceBytes());
      if (plan == null) {
        continue;
      }
      graph.choose(plan);
      float milliseconds =
          timed ? stopwatch.milliseconds(() -> execute(graph, operands)) : Float.MAX_VALUE;
      if (milliseconds < fastest) {
        fastest = milliseconds;
        best = plan;
        place = i;
      }
    }
    if (best == null) {
      return false;
    }
    graph.choose(best);
    if (timed) {
      tuning.choose(key, Integer.toString(place));
    }
    return true;
  }

  @Override
  public void close() {
    graphs.values().forEach(graph -> graph.ifPresent(ConvolutionGraph::close));
    graphs.clear();
  }
}
