package quartet.cuda.raw;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A convolution with what follows it in one cuDNN graph: {@code y = conv(x, w) + bias + residual},
 * images as NHWC, filters as KRSC, sums in float32.
 *
 * <p>Owner: whoever made it. Thread: the device's.
 */
public final class ConvolutionGraph implements AutoCloseable {
  private static final int TYPE_CONVOLUTION_MODE = 7;
  private static final int TYPE_POINTWISE_MODE = 14;
  private static final int CROSS_CORRELATION = 1;
  private static final int POINTWISE_ADD = 0;
  private static final long X = 1;
  private static final long W = 2;
  private static final long Y = 3;
  private static final long BIAS = 4;
  private static final long RESIDUAL = 5;
  private static final long BETWEEN = 100;

  private final Spec spec;
  private final CudnnGraph graph;

  /**
   * What to compute.
   *
   * @param type of all tensors, as cudnnDataType
   * @param kernel extent in both directions
   */
  public record Spec(
      int batch,
      int height,
      int width,
      int inChannels,
      int outChannels,
      int kernel,
      int stride,
      int padTop,
      int padLeft,
      int padBottom,
      int padRight,
      int type,
      boolean bias,
      boolean residual) {
    int outHeight() {
      return (height + padTop + padBottom - kernel) / stride + 1;
    }

    int outWidth() {
      return (width + padLeft + padRight - kernel) / stride + 1;
    }
  }

  /**
   * Describes the graph; its {@link CudnnGraph#configurations} tell whether the library can do it.
   */
  public ConvolutionGraph(Cudnn cudnn, Spec spec) {
    this.spec = spec;
    graph = new CudnnGraph(cudnn, spec.toString());
    List<MemorySegment> operations = new ArrayList<>();
    int pending = (spec.bias() ? 1 : 0) + (spec.residual() ? 1 : 0);
    MemorySegment y = result(pending);
    operations.add(convolution(input(), filter(), y));
    if (spec.bias()) {
      MemorySegment sum = result(--pending);
      operations.add(sum(y, vector(), sum));
      y = sum;
    }
    if (spec.residual()) {
      operations.add(sum(y, image(RESIDUAL), result(--pending)));
    }
    LongStream.Builder ids = LongStream.builder().add(X).add(W).add(Y);
    if (spec.bias()) {
      ids.add(BIAS);
    }
    if (spec.residual()) {
      ids.add(RESIDUAL);
    }
    graph.complete(operations, ids.build().toArray());
  }

  /** The result, or what lies before the last {@code pending} operations. */
  private MemorySegment result(int pending) {
    if (pending == 0) {
      return image(Y);
    }
    int channels = spec.outChannels();
    return graph.virtualTensor(
        BETWEEN + pending,
        CudnnGraph.DATA_FLOAT,
        extents(channels, spec.outHeight(), spec.outWidth()),
        strides(channels, spec.outHeight(), spec.outWidth()));
  }

  private static long[] strides(long channels, long height, long width) {
    return new long[] {height * width * channels, 1, width * channels, channels};
  }

  private long[] extents(long channels, long height, long width) {
    return new long[] {spec.batch(), channels, height, width};
  }

  private MemorySegment input() {
    int channels = spec.inChannels();
    return graph.tensor(
        X,
        spec.type(),
        extents(channels, spec.height(), spec.width()),
        strides(channels, spec.height(), spec.width()));
  }

  private MemorySegment image(long id) {
    int channels = spec.outChannels();
    return graph.tensor(
        id,
        spec.type(),
        extents(channels, spec.outHeight(), spec.outWidth()),
        strides(channels, spec.outHeight(), spec.outWidth()));
  }

  private MemorySegment filter() {
    long kernel = spec.kernel();
    return graph.tensor(
        W,
        spec.type(),
        new long[] {spec.outChannels(), spec.inChannels(), kernel, kernel},
        strides(spec.inChannels(), kernel, kernel));
  }

  private MemorySegment vector() {
    long channels = spec.outChannels();
    return graph.tensor(BIAS, spec.type(), new long[] {1, channels, 1, 1}, strides(channels, 1, 1));
  }

  private MemorySegment convolution(MemorySegment x, MemorySegment w, MemorySegment y) {
    MemorySegment how = graph.descriptor(1);
    graph.enumeration(how, 100, CudnnGraph.TYPE_DATA_TYPE, CudnnGraph.DATA_FLOAT);
    graph.enumeration(how, 101, TYPE_CONVOLUTION_MODE, CROSS_CORRELATION);
    graph.numbers(how, 102, 1, 1);
    graph.numbers(how, 103, spec.stride(), spec.stride());
    graph.numbers(how, 104, spec.padBottom(), spec.padRight());
    graph.numbers(how, 105, spec.padTop(), spec.padLeft());
    graph.numbers(how, 106, 2);
    graph.finish(how);
    MemorySegment operation = graph.descriptor(10);
    // Of the type that is computed in: given as doubles they would be read as zero.
    graph.number(operation, 700, 1);
    graph.number(operation, 701, 0);
    graph.link(operation, 702, List.of(how));
    graph.link(operation, 703, List.of(w));
    graph.link(operation, 704, List.of(x));
    graph.link(operation, 705, List.of(y));
    return graph.finish(operation);
  }

  private MemorySegment sum(MemorySegment x, MemorySegment b, MemorySegment y) {
    MemorySegment how = graph.descriptor(0);
    graph.enumeration(how, 0, TYPE_POINTWISE_MODE, POINTWISE_ADD);
    graph.enumeration(how, 1, CudnnGraph.TYPE_DATA_TYPE, CudnnGraph.DATA_FLOAT);
    graph.finish(how);
    MemorySegment operation = graph.descriptor(13);
    graph.link(operation, 750, List.of(how));
    graph.link(operation, 751, List.of(x));
    graph.link(operation, 752, List.of(b));
    graph.link(operation, 753, List.of(y));
    return graph.finish(operation);
  }

  /** For choosing a plan. */
  public CudnnGraph graph() {
    return graph;
  }

  /**
   * Queues it on the stream that the handle uses.
   *
   * @param bias Cout numbers, or 0
   * @param residual like the result, or 0
   */
  public void run(long x, long w, long bias, long residual, long y, long workspace) {
    if (spec.bias() && spec.residual()) {
      graph.run(workspace, x, w, y, bias, residual);
    } else if (spec.bias()) {
      graph.run(workspace, x, w, y, bias);
    } else if (spec.residual()) {
      graph.run(workspace, x, w, y, residual);
    } else {
      graph.run(workspace, x, w, y);
    }
  }

  @Override
  public void close() {
    graph.close();
  }
}
