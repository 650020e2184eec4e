package quartet.tensor.cuda;

import org.jspecify.annotations.Nullable;
import quartet.cuda.DeviceInfo;
import quartet.cuda.KernelArguments;
import quartet.cuda.LaunchShape;
import quartet.tensor.Activation;
import quartet.tensor.DType;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/** Group norm and layer norm. Thread: the device's. */
final class NormOps {
  private static final int THREADS = 512;
  private static final int ROWS_PER_BLOCK = 4;
  private static final int ROW_THREADS = 128;
  private static final int PLAIN_THREADS = 256;
  private static final int WARP = 32;

  /** Packs of eight numbers that a thread holds of a row. */
  private static final int MOST_PACKS = 8;

  /**
   * Channels beyond which a block's sums would not fit into the shared memory that all blocks have.
   */
  private static final int MOST_CHANNELS = 4096;

  private final CudaScope scope;
  private final CudaBackend backend;

  NormOps(CudaScope scope, CudaBackend backend) {
    this.scope = scope;
    this.backend = backend;
  }

  /**
   * Group norm.
   *
   * @param second joined to {@code first} along the channels, or null
   * @param vector added per batch item, or null
   */
  CudaTensor group(
      Tensor first,
      @Nullable Tensor second,
      @Nullable Tensor vector,
      DeviceWeights.Norm norm,
      int groups,
      float epsilon,
      Activation activation) {
    CudaOps ops = scope.cudaOps();
    CudaTensor x = ops.as(scope.own(first), norm.type());
    CudaTensor y = second == null ? null : ops.as(scope.own(second), norm.type());
    CudaTensor shift = vector == null ? null : shift(x, vector, norm.type());
    int c1 = x.dim(-1);
    int c2 = y == null ? 0 : y.dim(-1);
    int channels = c1 + c2;
    if (x.shape().rank() < 2
        || channels != norm.channels()
        || groups < 1
        || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groupNorm: %s with %d channels and %d groups does not fit a norm of %d channels"
              .formatted(x, channels, groups, norm.channels()));
    }
    if (y != null && !x.shape().withLast(1).equals(y.shape().withLast(1))) {
      throw new IllegalArgumentException("groupNorm: %s and %s do not join".formatted(x, y));
    }
    Shape shape = x.shape().withLast(channels);
    CudaTensor out = scope.allocate(shape, norm.type());
    if (shape.elements() == 0) {
      return out;
    }
    Grouped grouped = new Grouped(x, y, shift, norm, groups, epsilon, activation, out);
    boolean aligned = isWide(x) && (y == null || isWide(y));
    GroupNormPlan held = aligned ? grouped.plan(backend.driver().info()) : null;
    if (held != null) {
      held(grouped, held);
    } else if (aligned && grouped.isPacked()) {
      twice(grouped);
    } else {
      plain(grouped);
    }
    return out;
  }

  /** A group norm whose arguments have been checked. */
  private record Grouped(
      CudaTensor x,
      @Nullable CudaTensor y,
      @Nullable CudaTensor shift,
      DeviceWeights.Norm norm,
      int groups,
      float epsilon,
      Activation activation,
      CudaTensor out) {
    int batch() {
      return x.dim(0);
    }

    int pixels() {
      return Math.toIntExact(x.shape().rows() / batch());
    }

    int left() {
      return x.dim(-1);
    }

    int right() {
      return y == null ? 0 : y.dim(-1);
    }

    int shiftStride() {
      return shift == null ? 0 : Math.toIntExact(shift.rowStride());
    }

    /** Whether every eight channels are one access. */
    boolean isPacked() {
      return left() % 8 == 0
          && right() % 8 == 0
          && norm.channels() <= MOST_CHANNELS
          && (shift == null || (shift.address() | shift.rowStride() * 2) % 16 == 0);
    }

    @Nullable GroupNormPlan plan(DeviceInfo device) {
      return GroupNormPlan.of(
          batch(),
          pixels(),
          left(),
          right(),
          groups,
          device.multiprocessors(),
          device.computeCapability());
    }

    boolean bfloat() {
      return norm.type() == DType.BF16;
    }
  }

  /** The arguments that all kernels begin with. */
  private KernelArguments inputs(Grouped g) {
    return backend.arguments().add(g.x().address()).add(address(g.y())).add(address(g.shift()));
  }

  private void held(Grouped g, GroupNormPlan plan) {
    backend.launch(
        plan.variant(g.bfloat()),
        "group_norm_held",
        new LaunchShape(plan.cluster(), g.groups(), g.batch(), plan.threads(), 0),
        inputs(g)
            .add(g.norm().scale())
            .add(g.norm().shift())
            .add(g.out().address())
            .add(g.pixels())
            .add(g.left())
            .add(g.right())
            .add(g.epsilon())
            .add(Types.activation(g.activation()))
            .add(g.shiftStride()));
  }

  private void plain(Grouped g) {
    backend.launch(
        KernelLibrary.Variant.of("norm", g.bfloat()),
        "group_norm_plain",
        LaunchShape.of(g.groups(), g.batch(), PLAIN_THREADS),
        inputs(g)
            .add(g.norm().scale())
            .add(g.norm().shift())
            .add(g.out().address())
            .add(g.pixels())
            .add(g.left())
            .add(g.right())
            .add(g.groups())
            .add(g.epsilon())
            .add(Types.activation(g.activation()))
            .add(g.shiftStride()));
  }

  /** Sums first, then the rest. */
  private void twice(Grouped g) {
    KernelLibrary.Variant variant = KernelLibrary.Variant.of("norm", g.bfloat());
    int batch = g.batch();
    int channels = g.norm().channels();
    int vectors = channels / 8;
    int lanes = Math.max(1, THREADS / vectors);
    int blocks = 2 * backend.driver().info().multiprocessors();
    int slabs = Math.clamp(blocks / batch, 1, Math.max(1, g.pixels() / (4 * lanes)));
    CudaTensor partial = scope.allocate(Shape.of((long) batch * slabs * g.groups(), 2), DType.F32);
    backend.launch(
        variant,
        "group_norm_sums",
        LaunchShape.of(slabs, batch, THREADS).shared(2 * lanes * channels * Float.BYTES),
        inputs(g)
            .add(partial.address())
            .add(g.pixels())
            .add(g.left())
            .add(g.right())
            .add(g.groups())
            .add(g.shiftStride()));
    long work = ((long) g.pixels() * vectors + THREADS - 1) / THREADS;
    backend.launch(
        variant,
        "group_norm_apply",
        LaunchShape.of(Math.clamp(work, 1, Math.max(1, 2 * blocks / batch)), batch, THREADS)
            .shared(2 * channels * Float.BYTES),
        inputs(g)
            .add(partial.address())
            .add(g.norm().scale())
            .add(g.norm().shift())
            .add(g.out().address())
            .add(g.pixels())
            .add(g.left())
            .add(g.right())
            .add(g.groups())
            .add(slabs)
            .add(g.epsilon())
            .add(Types.activation(g.activation()))
            .add(g.shiftStride()));
  }

  private CudaTensor shift(CudaTensor x, Tensor vector, DType type) {
    CudaTensor shift = scope.own(vector);
    if (shift.shape().rank() != 2 || shift.dim(0) != x.dim(0) || shift.dim(1) != x.dim(-1)) {
      throw new IllegalArgumentException(
          "groupNorm: expected a vector [%d, %d], got %s".formatted(x.dim(0), x.dim(-1), shift));
    }
    return shift.dtype() == type ? shift : scope.cudaOps().as(shift, type);
  }

  private static boolean isWide(CudaTensor x) {
    return x.address() % 16 == 0;
  }

  private static long address(@Nullable CudaTensor tensor) {
    return tensor == null ? 0 : tensor.address();
  }

  CudaTensor layer(Tensor given, DeviceWeights.Norm norm, float epsilon) {
    CudaTensor x = scope.cudaOps().as(scope.own(given), norm.type());
    if (x.shape().rank() < 1 || x.dim(-1) != norm.channels()) {
      throw new IllegalArgumentException(
          "layerNorm: expected [..., %d], got %s".formatted(norm.channels(), x));
    }
    CudaTensor in = isWide(x) ? x : scope.cudaOps().compact(x);
    CudaTensor out = scope.allocate(x.shape(), norm.type());
    if (x.shape().elements() > 0) {
      normalizeRows(in, norm, epsilon, out);
    }
    return out;
  }

  private void normalizeRows(
      CudaTensor in, DeviceWeights.Norm norm, float epsilon, CudaTensor out) {
    long rows = in.shape().rows();
    int width = norm.channels();
    int lanes = lanes(width);
    int rowsPerBlock = lanes > 0 ? ROW_THREADS / lanes : ROWS_PER_BLOCK;
    KernelArguments arguments =
        backend
            .arguments()
            .add(in.address())
            .add(norm.scale())
            .add(norm.shift())
            .add(out.address())
            .add(rows)
            .add(width)
            .add(epsilon);
    if (lanes > 0) {
      arguments.add(lanes);
    }
    backend.launch(
        KernelLibrary.Variant.of("norm", norm.type() == DType.BF16),
        lanes > 0 ? "layer_norm_packed" : "layer_norm",
        LaunchShape.of((rows + rowsPerBlock - 1) / rowsPerBlock, ROW_THREADS),
        arguments);
  }

  /** Threads that share a row evenly, each with at most eight packs of eight; 0 if none can. */
  private static int lanes(int width) {
    if (width % 8 != 0) {
      return 0;
    }
    int packs = width / 8;
    int lanes = Math.min(WARP, Integer.lowestOneBit(packs));
    return packs / lanes <= MOST_PACKS ? lanes : 0;
  }
}
