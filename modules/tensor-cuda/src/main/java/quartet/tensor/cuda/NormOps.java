package quartet.tensor.cuda;

import org.jspecify.annotations.Nullable;
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
    int batch = x.dim(0);
    int pixels = Math.toIntExact(shape.rows() / batch);
    boolean wide =
        c1 % 8 == 0
            && c2 % 8 == 0
            && channels <= MOST_CHANNELS
            && isWide(x)
            && (y == null || isWide(y))
            && (shift == null || (shift.address() | shift.rowStride() * 2) % 16 == 0);
    KernelLibrary.Variant variant = KernelLibrary.Variant.of("norm", norm.type() == DType.BF16);
    int shiftStride = shift == null ? 0 : Math.toIntExact(shift.rowStride());
    GroupNormPlan held =
        isWide(x) && (y == null || isWide(y))
            ? GroupNormPlan.of(
                batch,
                pixels,
                c1,
                c2,
                groups,
                backend.driver().info().multiprocessors(),
                backend.driver().info().computeCapability())
            : null;
    if (held != null) {
      backend.launch(
          held.variant(norm.type() == DType.BF16),
          "group_norm_held",
          new LaunchShape(held.cluster(), groups, batch, held.threads(), 0),
          backend
              .arguments()
              .add(x.address())
              .add(address(y))
              .add(address(shift))
              .add(norm.scale())
              .add(norm.shift())
              .add(out.address())
              .add(pixels)
              .add(c1)
              .add(c2)
              .add(epsilon)
              .add(Types.activation(activation))
              .add(shiftStride));
      return out;
    }
    if (!wide) {
      backend.launch(
          variant,
          "group_norm_plain",
          LaunchShape.of(groups, batch, PLAIN_THREADS),
          backend
              .arguments()
              .add(x.address())
              .add(address(y))
              .add(address(shift))
              .add(norm.scale())
              .add(norm.shift())
              .add(out.address())
              .add(pixels)
              .add(c1)
              .add(c2)
              .add(groups)
              .add(epsilon)
              .add(Types.activation(activation))
              .add(shiftStride));
      return out;
    }
    int vectors = channels / 8;
    int lanes = Math.max(1, THREADS / vectors);
    int blocks = 2 * backend.driver().info().multiprocessors();
    int slabs = Math.clamp(blocks / batch, 1, Math.max(1, pixels / (4 * lanes)));
    CudaTensor partial = scope.allocate(Shape.of((long) batch * slabs * groups, 2), DType.F32);
    backend.launch(
        variant,
        "group_norm_sums",
        LaunchShape.of(slabs, batch, THREADS).shared(2 * lanes * channels * Float.BYTES),
        backend
            .arguments()
            .add(x.address())
            .add(address(y))
            .add(address(shift))
            .add(partial.address())
            .add(pixels)
            .add(c1)
            .add(c2)
            .add(groups)
            .add(shiftStride));
    long work = ((long) pixels * vectors + THREADS - 1) / THREADS;
    backend.launch(
        variant,
        "group_norm_apply",
        LaunchShape.of(Math.clamp(work, 1, Math.max(1, 2 * blocks / batch)), batch, THREADS)
            .shared(2 * channels * Float.BYTES),
        backend
            .arguments()
            .add(x.address())
            .add(address(y))
            .add(address(shift))
            .add(partial.address())
            .add(norm.scale())
            .add(norm.shift())
            .add(out.address())
            .add(pixels)
            .add(c1)
            .add(c2)
            .add(groups)
            .add(slabs)
            .add(epsilon)
            .add(Types.activation(activation))
            .add(shiftStride));
    return out;
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
