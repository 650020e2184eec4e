package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Attention as one cuDNN operation, {@code softmax(Q K^T * scale) V}: heads side by side in rows.
 * The operation exists since cuDNN 9.13; an older library refuses it.
 *
 * <p>Owner: whoever made it. Thread: the device's.
 */
public final class AttentionGraph implements AutoCloseable {
  private static final int OPERATION_SDPA = 41;
  private static final long Q = 1;
  private static final long K = 2;
  private static final long V = 3;
  private static final long OUT = 4;
  private static final long SCALE = 5;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment scale;
  private final CudnnGraph graph;

  /**
   * What to compute. Row {@code r} of batch item {@code b} begins {@code (b * rows + r) * stride}
   * numbers behind the first; head {@code n} lies {@code n * head} further.
   *
   * @param head width of a head
   * @param type of all tensors, as cudnnDataType
   */
  public record Spec(
      int batch,
      int heads,
      int queries,
      int keys,
      int head,
      long queryStride,
      long keyStride,
      long valueStride,
      long outStride,
      int type) {}

  /**
   * Describes the graph; its {@link CudnnGraph#configurations} tell whether the library can do it.
   *
   * @throws quartet.errors.EngineException if the library does not know the operation
   */
  public AttentionGraph(Cudnn cudnn, Spec spec) {
    scale = arena.allocateFrom(JAVA_FLOAT, (float) (1 / Math.sqrt(spec.head())));
    graph = new CudnnGraph(cudnn, spec.toString());
    boolean done = false;
    try {
      MemorySegment operation = graph.descriptor(OPERATION_SDPA);
      graph.link(operation, 2800, List.of(rows(Q, spec, spec.queries(), spec.queryStride())));
      graph.link(operation, 2801, List.of(rows(K, spec, spec.keys(), spec.keyStride())));
      graph.link(operation, 2802, List.of(rows(V, spec, spec.keys(), spec.valueStride())));
      graph.link(operation, 2803, List.of(rows(OUT, spec, spec.queries(), spec.outStride())));
      graph.link(operation, 2805, List.of(graph.hostNumber(SCALE)));
      graph.complete(List.of(graph.finish(operation)), Q, K, V, OUT, SCALE);
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  private MemorySegment rows(long id, Spec spec, long rows, long stride) {
    return graph.tensor(
        id,
        spec.type(),
        new long[] {spec.batch(), spec.heads(), rows, spec.head()},
        new long[] {rows * stride, spec.head(), stride, 1});
  }

  /** For choosing a plan. */
  public CudnnGraph graph() {
    return graph;
  }

  /** Queues it on the stream that the handle uses. */
  public void run(long q, long k, long v, long out, long workspace) {
    graph.run(workspace, q, k, v, out, scale.address());
  }

  @Override
  public void close() {
    graph.close();
    arena.close();
  }
}
