package quartet.tensor.cuda;

import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.ConvolutionGraph;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * Convolutions: matrix products where the kernel is one pixel, cuDNN elsewhere, with bias and
 * residual in the same kernel where the library can.
 *
 * <p>Thread: the device's.
 */
final class ConvOps {
  private static final int THREADS = 256;

  private final CudaScope scope;
  private final CudaBackend backend;

  ConvOps(CudaScope scope, CudaBackend backend) {
    this.scope = scope;
    this.backend = backend;
  }

  CudaTensor conv2d(CudaTensor x, DeviceWeights.Conv conv, @Nullable Tensor residual) {
    if (x.shape().rank() != 4 || x.dim(3) != conv.inChannels()) {
      throw new IllegalArgumentException(
          "conv2d: expected [B, H, W, %d], got %s".formatted(conv.inChannels(), x));
    }
    Conv2dGeometry geometry = conv.geometry();
    int height = geometry.outHeight(x.dim(1));
    int width = geometry.outWidth(x.dim(2));
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException("conv2d: %s is smaller than the kernel".formatted(x));
    }
    Shape shape = Shape.of(x.dim(0), height, width, conv.outChannels());
    CudaTensor added = null;
    if (residual != null) {
      added = scope.cudaOps().as(scope.own(residual), conv.type());
      if (!added.shape().equals(shape)) {
        throw new IllegalArgumentException(
            "conv2d: expected a residual of %s, got %s".formatted(shape, added));
      }
    }
    boolean uneven =
        geometry.padTop() != geometry.padBottom() || geometry.padLeft() != geometry.padRight();
    CudaTensor in = prepared(x, conv, uneven);
    boolean narrow = conv.wideOut() != conv.outChannels();
    CudaTensor out = scope.allocate(shape.withLast(conv.wideOut()), conv.type());
    if (geometry.equals(Conv2dGeometry.POINTWISE)) {
      pointwise(in, conv, narrow ? null : added, out);
    } else {
      spatial(in, conv, uneven, narrow ? null : added, out);
    }
    return narrow ? narrowed(out, conv.outChannels(), added) : out;
  }

  /** The input in the weights' type, with their channels, and padded where cuDNN cannot. */
  private CudaTensor prepared(CudaTensor x, DeviceWeights.Conv conv, boolean uneven) {
    if (!uneven && x.dtype() == conv.type() && conv.wideIn() == conv.inChannels()) {
      return aligned(x);
    }
    Conv2dGeometry g = conv.geometry();
    int top = uneven ? g.padTop() : 0;
    int left = uneven ? g.padLeft() : 0;
    int height = x.dim(1) + (uneven ? g.padTop() + g.padBottom() : 0);
    int width = x.dim(2) + (uneven ? g.padLeft() + g.padRight() : 0);
    CudaTensor out = scope.allocate(Shape.of(x.dim(0), height, width, conv.wideIn()), conv.type());
    long count = out.shape().elements();
    backend.launch(
        KernelLibrary.Variant.of("shape", false),
        "pad_image",
        Grids.each(count, THREADS),
        backend
            .arguments()
            .add(x.address())
            .add(Types.kernel(x.dtype()))
            .add(out.address())
            .add(Types.kernel(out.dtype()))
            .add(x.dim(1))
            .add(x.dim(2))
            .add(x.dim(3))
            .add(top)
            .add(left)
            .add(height)
            .add(width)
            .add(conv.wideIn())
            .add(count));
    return out;
  }

  private CudaTensor aligned(CudaTensor x) {
    return x.address() % 256 == 0 ? x : scope.cudaOps().compact(x);
  }

  private void pointwise(
      CudaTensor in, DeviceWeights.Conv conv, @Nullable CudaTensor added, CudaTensor out) {
    new LinearOps(scope, backend)
        .multiply(
            in.address(),
            Math.toIntExact(in.shape().rows()),
            conv.weight(),
            conv.bias(),
            conv.wideIn(),
            conv.wideOut(),
            conv.type(),
            added == null ? null : aligned(added),
            out);
  }

  private void spatial(
      CudaTensor in,
      DeviceWeights.Conv conv,
      boolean padded,
      @Nullable CudaTensor added,
      CudaTensor out) {
    Conv2dGeometry g = conv.geometry();
    boolean bias = conv.bias() != 0;
    CudaTensor residual = added == null ? null : aligned(added);
    ConvolutionGraph.Spec spec =
        new ConvolutionGraph.Spec(
            in.dim(0),
            in.dim(1),
            in.dim(2),
            conv.wideIn(),
            conv.wideOut(),
            g.kernel(),
            g.stride(),
            padded ? 0 : g.padTop(),
            padded ? 0 : g.padLeft(),
            padded ? 0 : g.padBottom(),
            padded ? 0 : g.padRight(),
            Types.cudnn(conv.type()),
            bias,
            residual != null);
    boolean timing = !backend.isRecording();
    long residualAddress = residual == null ? 0 : residual.address();
    Convolutions.Operands operands =
        new Convolutions.Operands(
            in.address(), conv.weight(), conv.bias(), residualAddress, out.address());
    if (backend.convolutions().run(spec, operands, timing)) {
      return;
    }
    ConvolutionGraph.Spec bare =
        new ConvolutionGraph.Spec(
            spec.batch(),
            spec.height(),
            spec.width(),
            spec.inChannels(),
            spec.outChannels(),
            spec.kernel(),
            spec.stride(),
            spec.padTop(),
            spec.padLeft(),
            spec.padBottom(),
            spec.padRight(),
            spec.type(),
            false,
            false);
    Convolutions.Operands alone =
        new Convolutions.Operands(in.address(), conv.weight(), 0, 0, out.address());
    if (!backend.convolutions().run(bare, alone, timing)) {
      throw new quartet.errors.EngineException(
          quartet.cuda.CudaErrorCode.CUDA_UNSUPPORTED, "cuDNN has no way to compute " + spec + ".");
    }
    biasAdd(out, conv, residualAddress);
  }

  private void biasAdd(CudaTensor out, DeviceWeights.Conv conv, long residual) {
    long count = out.shape().elements();
    backend.launch(
        KernelLibrary.Variant.of("elementwise", conv.type() == DType.BF16),
        "bias_add",
        Grids.each(count, THREADS),
        backend
            .arguments()
            .add(out.address())
            .add(conv.bias())
            .add(residual)
            .add(out.address())
            .add(conv.wideOut())
            .add(count));
  }

  /** Drops the channels that only filled up, then adds the residual. */
  private CudaTensor narrowed(CudaTensor wide, int channels, @Nullable CudaTensor added) {
    CudaTensor out =
        scope.cudaOps().compact(scope.view(wide, 0, wide.shape().withLast(channels), wide.dim(-1)));
    return added == null ? out : scope.own(scope.ops().add(out, added));
  }
}
