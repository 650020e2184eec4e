package quartet.tensor.cuda;

import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.CublasLt;
import quartet.tensor.Activation;
import quartet.tensor.DType;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/** Matrix products with what follows them. Thread: the device's. */
final class LinearOps {
  private static final int THREADS = 256;

  /** What cuBLASLt's algorithms may count on unless told otherwise. */
  private static final long ALIGNMENT = 256;

  private final CudaScope scope;
  private final CudaBackend backend;

  LinearOps(CudaScope scope, CudaBackend backend) {
    this.scope = scope;
    this.backend = backend;
  }

  CudaTensor linear(
      CudaTensor x,
      DeviceWeights.Linear weights,
      Activation activation,
      @Nullable Tensor residual) {
    checkWidth("linear", x, weights);
    Shape shape = x.shape().withLast(weights.outWidth());
    CudaTensor added = null;
    if (residual != null) {
      added = aligned(scope.cudaOps().as(scope.own(residual), weights.type()));
      if (!added.shape().equals(shape)) {
        throw new IllegalArgumentException(
            "linear: expected a residual of %s, got %s".formatted(shape, added));
      }
    }
    boolean fused = activation == Activation.NONE;
    CudaTensor out = product(x, weights, fused ? added : null);
    if (!fused) {
      activateAdd(out, activation, added);
    }
    return out;
  }

  /** Two products into one result, so that the halves need not be joined first. */
  CudaTensor joined(CudaTensor x, CudaTensor y, DeviceWeights.Linear weights) {
    int width = x.dim(-1) + y.dim(-1);
    if (width != weights.inWidth() || !x.shape().withLast(1).equals(y.shape().withLast(1))) {
      throw new IllegalArgumentException(
          "joinedLinear: %s and %s do not join to [..., %d]".formatted(x, y, weights.inWidth()));
    }
    CudaTensor first = aligned(scope.cudaOps().as(x, weights.type()));
    CudaTensor second = aligned(scope.cudaOps().as(y, weights.type()));
    CudaTensor out = scope.allocate(x.shape().withLast(weights.outWidth()), weights.type());
    if (out.shape().elements() > 0) {
      CudaTensor begun = scope.allocate(out.shape(), weights.type());
      part(first, weights, 0, weights.bias(), null, begun);
      part(second, weights, x.dim(-1), 0, begun, out);
    }
    return out;
  }

  /**
   * The product with the weight's columns from {@code column} on.
   *
   * @param begun what it is added to, or null; never {@code out} itself, since algorithms are timed
   *     by running them several times
   */
  private void part(
      CudaTensor x,
      DeviceWeights.Linear weights,
      int column,
      long bias,
      @Nullable CudaTensor begun,
      CudaTensor out) {
    long weight = weights.weight() + (long) column * weights.type().byteSize();
    int type = Types.cuda(weights.type());
    CublasLt.Spec spec =
        new CublasLt.Spec(
            Math.toIntExact(x.shape().rows()),
            weights.outWidth(),
            x.dim(-1),
            true,
            x.dim(-1),
            weights.inWidth(),
            weights.outWidth(),
            type,
            type,
            bias != 0,
            begun != null,
            1,
            0,
            0,
            0,
            Math.toIntExact(Long.lowestOneBit(weight | ALIGNMENT)));
    backend
        .products()
        .run(
            spec,
            new Products.Operands(
                1f, x.address(), weight, begun == null ? 0 : begun.address(), bias, out.address()),
            !backend.isRecording());
  }

  CudaTensor geglu(CudaTensor x, DeviceWeights.Linear weights) {
    checkWidth("linearGeglu", x, weights);
    if (weights.outWidth() % 2 != 0) {
      throw new IllegalArgumentException(
          "linearGeglu: %d columns have no halves".formatted(weights.outWidth()));
    }
    CudaTensor both = product(x, weights, null);
    int width = weights.outWidth() / 2;
    CudaTensor out = scope.allocate(both.shape().withLast(width), both.dtype());
    long rows = both.shape().rows();
    if (rows > 0 && width > 0) {
      backend.launch(
          KernelLibrary.Variant.of("elementwise", both.dtype() == DType.BF16),
          "geglu",
          Grids.each(rows * width / (width % 8 == 0 ? 8 : 1), THREADS),
          backend.arguments().add(both.address()).add(out.address()).add(rows).add(width));
    }
    return out;
  }

  private static void checkWidth(String op, CudaTensor x, DeviceWeights.Linear weights) {
    if (x.shape().rank() < 1 || x.dim(-1) != weights.inWidth()) {
      throw new IllegalArgumentException(
          "%s: expected [..., %d], got %s".formatted(op, weights.inWidth(), x));
    }
  }

  private CudaTensor product(
      CudaTensor x, DeviceWeights.Linear weights, @Nullable CudaTensor residual) {
    CudaTensor in = aligned(scope.cudaOps().as(x, weights.type()));
    CudaTensor out = scope.allocate(in.shape().withLast(weights.outWidth()), weights.type());
    long rows = in.shape().rows();
    if (rows == 0 || weights.outWidth() == 0) {
      return out;
    }
    multiply(
        in.address(),
        Math.toIntExact(rows),
        weights.weight(),
        weights.bias(),
        weights.inWidth(),
        weights.outWidth(),
        weights.type(),
        residual,
        out);
    return out;
  }

  /** {@code out = x W^T + bias + residual}. */
  void multiply(
      long x,
      int rows,
      long weight,
      long bias,
      int inWidth,
      int outWidth,
      DType type,
      @Nullable CudaTensor residual,
      CudaTensor out) {
    CublasLt.Spec spec =
        CublasLt.Spec.linear(
            rows, outWidth, inWidth, Types.cuda(type), bias != 0, residual != null);
    backend
        .products()
        .run(
            spec,
            new Products.Operands(
                1f, x, weight, residual == null ? 0 : residual.address(), bias, out.address()),
            !backend.isRecording());
  }

  /** The tensor itself, or a copy whose first number lies on a boundary that algorithms expect. */
  CudaTensor aligned(CudaTensor x) {
    return x.address() % ALIGNMENT == 0 ? x : scope.cudaOps().compact(x);
  }

  private void activateAdd(CudaTensor x, Activation activation, @Nullable CudaTensor residual) {
    long count = x.shape().elements();
    if (count == 0) {
      return;
    }
    backend.launch(
        KernelLibrary.Variant.of("elementwise", false),
        "activate_add",
        Grids.each(count, THREADS),
        backend
            .arguments()
            .add(x.address())
            .add(Types.kernel(x.dtype()))
            .add(residual == null ? 0L : residual.address())
            .add(residual == null ? 0 : Types.kernel(residual.dtype()))
            .add(x.address())
            .add(Types.kernel(x.dtype()))
            .add(Types.activation(activation))
            .add(count));
  }
}
