package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A convolution with what follows it in one cuDNN graph: {@code y = conv(x, w) + bias + residual},
 * images as NHWC, filters as KRSC, sums in float32.
 *
 * <p>Owner: whoever made it; it owns its descriptors and the plans made from them. Thread: the
 * device's.
 */
public final class ConvolutionGraph implements AutoCloseable {
  private static final int TYPE_HANDLE = 0;
  private static final int TYPE_DATA_TYPE = 1;
  private static final int TYPE_BOOLEAN = 2;
  private static final int TYPE_INT64 = 3;
  private static final int TYPE_DOUBLE = 5;
  private static final int TYPE_VOID_PTR = 6;
  private static final int TYPE_CONVOLUTION_MODE = 7;
  private static final int TYPE_HEUR_MODE = 8;
  private static final int TYPE_POINTWISE_MODE = 14;
  private static final int TYPE_DESCRIPTOR = 15;
  private static final int DATA_FLOAT = 0;
  private static final int CROSS_CORRELATION = 1;
  private static final int POINTWISE_ADD = 0;
  private static final int HEUR_MODE_A = 3;
  private static final int HEUR_MODE_FALLBACK = 2;
  private static final long X = 1;
  private static final long W = 2;
  private static final long Y = 3;
  private static final long BIAS = 4;
  private static final long RESIDUAL = 5;
  private static final long ALIGNMENT = 16;

  private final Cudnn cudnn;
  private final Spec spec;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> descriptors = new ArrayList<>();
  private final MemorySegment graph;
  private final MemorySegment ids;
  private final MemorySegment pointers;
  private final MemorySegment workspacePointer;
  private final int inputs;
  private @Nullable Plan plan;

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

  /** One way of computing it. */
  public record Plan(MemorySegment descriptor, long workspaceBytes) {}

  /** Describes the graph; {@link #configurations} tells whether the library can do it. */
  public ConvolutionGraph(Cudnn cudnn, Spec spec) {
    this.cudnn = cudnn;
    this.spec = spec;
    int height = spec.outHeight();
    int width = spec.outWidth();
    MemorySegment x = image(X, spec.inChannels(), spec.height(), spec.width(), spec.type(), false);
    MemorySegment w = filter();
    List<MemorySegment> operations = new ArrayList<>();
    boolean more = spec.bias() || spec.residual();
    MemorySegment y =
        more
            ? image(100, spec.outChannels(), height, width, DATA_FLOAT, true)
            : image(Y, spec.outChannels(), height, width, spec.type(), false);
    operations.add(convolution(x, w, y));
    if (spec.bias()) {
      MemorySegment sum =
          spec.residual()
              ? image(101, spec.outChannels(), height, width, DATA_FLOAT, true)
              : image(Y, spec.outChannels(), height, width, spec.type(), false);
      operations.add(sum(y, vector(), sum));
      y = sum;
    }
    if (spec.residual()) {
      MemorySegment residual =
          image(RESIDUAL, spec.outChannels(), height, width, spec.type(), false);
      MemorySegment sum = image(Y, spec.outChannels(), height, width, spec.type(), false);
      operations.add(sum(y, residual, sum));
    }
    graph = descriptor(15);
    handle(graph, 800);
    descriptorsAttribute(graph, 801, operations);
    cudnn.finalizeOrThrow(graph, "the graph of " + spec);
    inputs = 3 + (spec.bias() ? 1 : 0) + (spec.residual() ? 1 : 0);
    ids = arena.allocate(JAVA_LONG, inputs);
    pointers = arena.allocate(JAVA_LONG, inputs);
    workspacePointer = arena.allocate(JAVA_LONG);
    int at = 0;
    for (long id : new long[] {X, W, Y}) {
      ids.setAtIndex(JAVA_LONG, at++, id);
    }
    if (spec.bias()) {
      ids.setAtIndex(JAVA_LONG, at++, BIAS);
    }
    if (spec.residual()) {
      ids.setAtIndex(JAVA_LONG, at, RESIDUAL);
    }
  }

  private MemorySegment descriptor(int type) {
    MemorySegment descriptor = cudnn.create(type);
    descriptors.add(descriptor);
    return descriptor;
  }

  private MemorySegment image(
      long id, long channels, long height, long width, int type, boolean virtual) {
    return tensor(
        id,
        type,
        new long[] {spec.batch(), channels, height, width},
        new long[] {height * width * channels, 1, width * channels, channels},
        virtual);
  }

  private MemorySegment filter() {
    long kernel = spec.kernel();
    long in = spec.inChannels();
    return tensor(
        W,
        spec.type(),
        new long[] {spec.outChannels(), in, kernel, kernel},
        new long[] {kernel * kernel * in, 1, kernel * in, in},
        false);
  }

  private MemorySegment vector() {
    long channels = spec.outChannels();
    return tensor(
        BIAS,
        spec.type(),
        new long[] {1, channels, 1, 1},
        new long[] {channels, 1, channels, channels},
        false);
  }

  private MemorySegment tensor(long id, int type, long[] extents, long[] strides, boolean virtual) {
    MemorySegment tensor = descriptor(17);
    numbers(tensor, 900, ALIGNMENT);
    enumeration(tensor, 901, TYPE_DATA_TYPE, type);
    numbers(tensor, 902, extents);
    numbers(tensor, 903, strides);
    numbers(tensor, 906, id);
    if (virtual) {
      try (Arena call = Arena.ofConfined()) {
        MemorySegment yes = call.allocate(JAVA_BOOLEAN);
        yes.set(JAVA_BOOLEAN, 0, true);
        cudnn.set(tensor, 907, TYPE_BOOLEAN, 1, yes);
      }
    }
    cudnn.finalizeOrThrow(tensor, "a tensor of " + spec);
    return tensor;
  }

  private MemorySegment convolution(MemorySegment x, MemorySegment w, MemorySegment y) {
    MemorySegment how = descriptor(1);
    enumeration(how, 100, TYPE_DATA_TYPE, DATA_FLOAT);
    enumeration(how, 101, TYPE_CONVOLUTION_MODE, CROSS_CORRELATION);
    numbers(how, 102, 1, 1);
    numbers(how, 103, spec.stride(), spec.stride());
    numbers(how, 104, spec.padBottom(), spec.padRight());
    numbers(how, 105, spec.padTop(), spec.padLeft());
    numbers(how, 106, 2);
    cudnn.finalizeOrThrow(how, "the convolution of " + spec);
    MemorySegment operation = descriptor(10);
    doubles(operation, 700, 1);
    doubles(operation, 701, 0);
    descriptorsAttribute(operation, 702, List.of(how));
    descriptorsAttribute(operation, 703, List.of(w));
    descriptorsAttribute(operation, 704, List.of(x));
    descriptorsAttribute(operation, 705, List.of(y));
    cudnn.finalizeOrThrow(operation, "the convolution of " + spec);
    return operation;
  }

  private MemorySegment sum(MemorySegment x, MemorySegment b, MemorySegment y) {
    MemorySegment how = descriptor(0);
    enumeration(how, 0, TYPE_POINTWISE_MODE, POINTWISE_ADD);
    enumeration(how, 1, TYPE_DATA_TYPE, DATA_FLOAT);
    cudnn.finalizeOrThrow(how, "a sum of " + spec);
    MemorySegment operation = descriptor(13);
    descriptorsAttribute(operation, 750, List.of(how));
    descriptorsAttribute(operation, 751, List.of(x));
    descriptorsAttribute(operation, 752, List.of(b));
    descriptorsAttribute(operation, 753, List.of(y));
    cudnn.finalizeOrThrow(operation, "a sum of " + spec);
    return operation;
  }

  private void numbers(MemorySegment descriptor, int attribute, long... values) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(
          descriptor, attribute, TYPE_INT64, values.length, call.allocateFrom(JAVA_LONG, values));
    }
  }

  private void doubles(MemorySegment descriptor, int attribute, double value) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(descriptor, attribute, TYPE_DOUBLE, 1, call.allocateFrom(JAVA_DOUBLE, value));
    }
  }

  private void enumeration(MemorySegment descriptor, int attribute, int type, int value) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(descriptor, attribute, type, 1, call.allocateFrom(JAVA_INT, value));
    }
  }

  private void handle(MemorySegment descriptor, int attribute) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment value = call.allocate(ADDRESS);
      value.set(ADDRESS, 0, cudnn.handle());
      cudnn.set(descriptor, attribute, TYPE_HANDLE, 1, value);
    }
  }

  private void descriptorsAttribute(
      MemorySegment descriptor, int attribute, List<MemorySegment> values) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment array = call.allocate(ADDRESS, values.size());
      for (int i = 0; i < values.size(); i++) {
        array.setAtIndex(ADDRESS, i, values.get(i));
      }
      cudnn.set(descriptor, attribute, TYPE_DESCRIPTOR, values.size(), array);
    }
  }

  /**
   * The engine configurations the library proposes, best guess first, and behind them its
   * fallbacks. Their number and order are the same for a version, card and graph.
   */
  public List<MemorySegment> configurations(int most) {
    List<MemorySegment> found = new ArrayList<>();
    for (int mode : new int[] {HEUR_MODE_A, HEUR_MODE_FALLBACK}) {
      MemorySegment heuristics = descriptor(4);
      descriptorsAttribute(heuristics, 201, List.of(graph));
      enumeration(heuristics, 200, TYPE_HEUR_MODE, mode);
      if (!cudnn.tryFinalize(heuristics)) {
        continue;
      }
      int room = most - found.size();
      if (room <= 0) {
        break;
      }
      try (Arena call = Arena.ofConfined()) {
        MemorySegment array = call.allocate(ADDRESS, room);
        for (int i = 0; i < room; i++) {
          array.setAtIndex(ADDRESS, i, descriptor(3));
        }
        long count = cudnn.get(heuristics, 202, TYPE_DESCRIPTOR, room, array);
        for (int i = 0; i < Math.min(count, room); i++) {
          found.add(array.getAtIndex(ADDRESS, i));
        }
      }
      if (!found.isEmpty()) {
        break;
      }
    }
    return found;
  }

  /** Builds a configuration; null if it cannot be built, or wants more memory than the limit. */
  public @Nullable Plan build(MemorySegment configuration, long workspaceLimit) {
    MemorySegment descriptor = descriptor(5);
    handle(descriptor, 400);
    descriptorsAttribute(descriptor, 401, List.of(configuration));
    if (!cudnn.tryFinalize(descriptor)) {
      return null;
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment bytes = call.allocate(JAVA_LONG);
      if (cudnn.get(descriptor, 402, TYPE_INT64, 1, bytes) < 1) {
        return null;
      }
      long workspace = bytes.get(JAVA_LONG, 0);
      return workspace > workspaceLimit ? null : new Plan(descriptor, workspace);
    }
  }

  /** Uses a plan from now on. */
  public void choose(Plan chosen) {
    plan = chosen;
  }

  /** Device memory that the chosen plan needs. */
  public long workspaceBytes() {
    return chosen().workspaceBytes();
  }

  private Plan chosen() {
    if (plan == null) {
      throw new IllegalStateException("no plan was chosen for " + spec);
    }
    return plan;
  }

  /**
   * Queues it on the stream that the handle uses.
   *
   * @param bias Cout numbers, or 0
   * @param residual like the result, or 0
   */
  public void run(long x, long w, long bias, long residual, long y, long workspace) {
    int at = 0;
    pointers.setAtIndex(JAVA_LONG, at++, x);
    pointers.setAtIndex(JAVA_LONG, at++, w);
    pointers.setAtIndex(JAVA_LONG, at++, y);
    if (spec.bias()) {
      pointers.setAtIndex(JAVA_LONG, at++, bias);
    }
    if (spec.residual()) {
      pointers.setAtIndex(JAVA_LONG, at, residual);
    }
    workspacePointer.set(JAVA_LONG, 0, workspace);
    MemorySegment pack = cudnn.create(16);
    try {
      cudnn.set(pack, 1000, TYPE_INT64, inputs, ids);
      cudnn.set(pack, 1001, TYPE_VOID_PTR, inputs, pointers);
      cudnn.set(pack, 1003, TYPE_VOID_PTR, 1, workspacePointer);
      cudnn.finalizeOrThrow(pack, "the arguments of " + spec);
      cudnn.execute(chosen().descriptor(), pack);
    } finally {
      cudnn.destroy(pack);
    }
  }

  @Override
  public void close() {
    for (MemorySegment descriptor : descriptors.reversed()) {
      cudnn.destroy(descriptor);
    }
    descriptors.clear();
    arena.close();
  }
}
