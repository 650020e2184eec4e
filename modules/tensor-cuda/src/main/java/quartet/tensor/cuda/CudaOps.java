package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import quartet.cuda.KernelArguments;
import quartet.tensor.Activation;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * The ops of one scope. What networks compute is in the parameters' 16-bit type; what samplers
 * compute is float32; element-wise ops take any mixture and give float32 if one of the inputs is.
 *
 * <p>Thread: the device's.
 */
final class CudaOps implements Ops {
  private static final int THREADS = 256;

  private final CudaScope scope;
  private final CudaBackend backend;
  private final LinearOps linears;
  private final ConvOps convs;
  private final NormOps norms;
  private final AttentionOps attentions;

  CudaOps(CudaScope scope, CudaBackend backend) {
    this.scope = scope;
    this.backend = backend;
    this.linears = new LinearOps(scope, backend);
    this.convs = new ConvOps(scope, backend);
    this.norms = new NormOps(scope, backend);
    this.attentions = new AttentionOps(scope, backend);
  }

  // ---- in and out

  @Override
  public Tensor upload(HostTensor host) {
    if (backend.isRecording()) {
      throw new IllegalStateException("upload of " + host.shape() + " while a graph is recorded");
    }
    DType type = host.dtype() == DType.I32 ? DType.I32 : DType.F32;
    CudaTensor out = scope.allocate(host.shape(), type);
    if (host.dtype() == type) {
      backend.staging().upload(out.address(), host.segment());
    } else {
      backend
          .staging()
          .upload(
              out.address(),
              out.byteSize(),
              (part, from) -> host.copyTo(part, from / Float.BYTES, part.byteSize() / Float.BYTES));
    }
    return out;
  }

  @Override
  public float[] download(Tensor tensor) {
    if (backend.isRecording()) {
      throw new IllegalStateException(
          "download of " + tensor.shape() + " while a graph is recorded");
    }
    CudaTensor x = scope.dense(tensor);
    CudaTensor numbers = x.dtype() == DType.F32 ? x : cast(x, DType.F32);
    float[] out = new float[Math.toIntExact(x.shape().elements())];
    backend.staging().download(MemorySegment.ofArray(out), numbers.address());
    return out;
  }

  // ---- parameters

  @Override
  public Tensor conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual) {
    return convs.conv2d(
        scope.dense(x), weights("conv2d", conv, DeviceWeights.Conv.class), residual);
  }

  @Override
  public Tensor linear(
      Tensor x, Parameters.Linear linear, Activation activation, @Nullable Tensor residual) {
    return linears.linear(
        scope.own(x), weights("linear", linear, DeviceWeights.Linear.class), activation, residual);
  }

  @Override
  public Tensor joinedLinear(Tensor x, Tensor y, Parameters.Linear linear) {
    return linears.joined(
        scope.own(x), scope.own(y), weights("joinedLinear", linear, DeviceWeights.Linear.class));
  }

  @Override
  public Tensor linearGeglu(Tensor x, Parameters.Linear linear) {
    return linears.geglu(scope.own(x), weights("linearGeglu", linear, DeviceWeights.Linear.class));
  }

  @Override
  public Tensor groupNorm(
      Tensor x, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
    return norms.group(x, null, null, norm(norm), groups, epsilon, activation);
  }

  @Override
  public Tensor shiftedGroupNorm(
      Tensor x,
      Tensor vector,
      Parameters.Norm norm,
      int groups,
      float epsilon,
      Activation activation) {
    return norms.group(x, null, vector, norm(norm), groups, epsilon, activation);
  }

  @Override
  public Tensor joinedGroupNorm(
      Tensor x, Tensor y, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
    return norms.group(x, y, null, norm(norm), groups, epsilon, activation);
  }

  @Override
  public Tensor layerNorm(Tensor x, Parameters.Norm norm, float epsilon) {
    return norms.layer(x, norm(norm), epsilon);
  }

  private static DeviceWeights.Norm norm(Parameters.Norm norm) {
    return weights("norm", norm, DeviceWeights.Norm.class);
  }

  private static <T extends DeviceWeights> T weights(String op, Object given, Class<T> wanted) {
    if (!wanted.isInstance(given)) {
      throw new IllegalArgumentException(op + ": the parameters were made by another backend");
    }
    T mine = wanted.cast(given);
    mine.owner().requireOpen();
    return mine;
  }

  @Override
  public Tensor embedding(Parameters.Table table, Tensor ids) {
    DeviceWeights.Table rows = weights("embedding", table, DeviceWeights.Table.class);
    CudaTensor index = scope.dense(ids);
    if (index.dtype() != DType.I32) {
      throw new IllegalArgumentException("embedding: expected I32 ids, got " + index);
    }
    checkIds(index, rows.rows());
    long[] extents = Arrays.copyOf(index.shape().extents(), index.shape().rank() + 1);
    extents[extents.length - 1] = rows.width();
    CudaTensor out = scope.allocate(Shape.of(extents), rows.type());
    long count = out.shape().elements();
    if (count > 0) {
      backend.launch(
          KernelLibrary.Variant.of("shape", false),
          "gather_rows",
          Grids.each(count, THREADS),
          backend
              .arguments()
              .add(rows.numbers())
              .add(index.address())
              .add(out.address())
              .add(rows.rows())
              .add(rows.width())
              .add(count));
    }
    return out;
  }

  /** Ids are few, so that reading them back costs less than a wrong picture. */
  private void checkIds(CudaTensor index, int rows) {
    if (backend.isRecording()) {
      return;
    }
    int[] ids = new int[Math.toIntExact(index.shape().elements())];
    backend.staging().download(MemorySegment.ofArray(ids), index.address());
    for (int id : ids) {
      if (id < 0 || id >= rows) {
        throw new IllegalArgumentException(
            "embedding: index %d is outside the table's %d rows".formatted(id, rows));
      }
    }
  }

  // ---- attention

  @Override
  public Tensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal) {
    return attentions.attention(query, key, value, heads, causal);
  }

  @Override
  public Tensor selfAttention(Tensor joined, int heads, boolean causal) {
    CudaTensor all = scope.dense(joined);
    int width = all.dim(-1) / 3;
    Shape shape = all.shape().withLast(width);
    return attentions.attention(
        scope.view(all, 0, shape, all.dim(-1)),
        scope.view(all, width, shape, all.dim(-1)),
        scope.view(all, 2L * width, shape, all.dim(-1)),
        heads,
        causal);
  }

  // ---- element-wise

  @Override
  public Tensor add(Tensor x, Tensor y) {
    return linearCombination(1f, x, 1f, y);
  }

  @Override
  public Tensor multiply(Tensor x, Tensor y) {
    CudaTensor a = scope.dense(x);
    CudaTensor b = scope.dense(y);
    CudaTensor out = scope.allocate(same("multiply", a, b), wider(a, b));
    elementwise("multiply", out, arguments -> pair(arguments, a, b, out));
    return out;
  }

  @Override
  public Tensor linearCombination(float a, Tensor x, float b, Tensor y) {
    CudaTensor first = scope.dense(x);
    CudaTensor second = scope.dense(y);
    CudaTensor out = scope.allocate(same("linearCombination", first, second), wider(first, second));
    elementwise(
        "linear_combination",
        out,
        arguments -> {
          pair(arguments, first, second, out);
          arguments.add(a).add(b);
        });
    return out;
  }

  @Override
  public Tensor affine(Tensor x, float scale, float shift) {
    CudaTensor in = scope.dense(x);
    CudaTensor out = scope.allocate(in.shape(), floating("affine", in));
    elementwise(
        "affine",
        out,
        arguments -> {
          single(arguments, in, out);
          arguments.add(scale).add(shift);
        });
    return out;
  }

  @Override
  public Tensor activate(Tensor x, Activation activation) {
    CudaTensor in = scope.dense(x);
    CudaTensor out = scope.allocate(in.shape(), floating("activate", in));
    elementwise(
        "activation",
        out,
        arguments -> {
          single(arguments, in, out);
          arguments.add(Types.activation(activation));
        });
    return out;
  }

  @Override
  public Tensor clamp(Tensor x, float low, float high) {
    CudaTensor in = scope.dense(x);
    CudaTensor out = scope.allocate(in.shape(), floating("clamp", in));
    elementwise(
        "clamp",
        out,
        arguments -> {
          single(arguments, in, out);
          arguments.add(low).add(high);
        });
    return out;
  }

  @Override
  public Tensor addPerChannel(Tensor x, Tensor vector) {
    CudaTensor in = scope.dense(x);
    CudaTensor each = scope.own(vector);
    if (in.shape().rank() < 2
        || each.shape().rank() != 2
        || each.dim(0) != in.dim(0)
        || each.dim(1) != in.dim(-1)) {
      throw new IllegalArgumentException(
          "addPerChannel: expected a vector [%d, %d] for %s, got %s"
              .formatted(in.dim(0), in.dim(-1), in, each));
    }
    CudaTensor out = scope.allocate(in.shape(), wider(in, each));
    long inner = in.shape().elements() == 0 ? 1 : in.shape().rows() / in.dim(0);
    elementwise(
        "add_per_channel",
        out,
        arguments -> {
          pair(arguments, in, each, out);
          arguments.add(inner).add(in.dim(-1)).add(each.rowStride());
        });
    return out;
  }

  private CudaTensor cast(CudaTensor x, DType type) {
    CudaTensor out = scope.allocate(x.shape(), type);
    elementwise("cast", out, arguments -> single(arguments, x, out));
    return out;
  }

  /** The tensor in that type and contiguous; itself if it is so already. */
  CudaTensor as(CudaTensor x, DType type) {
    CudaTensor dense = scope.dense(x);
    return dense.dtype() == type ? dense : cast(dense, type);
  }

  private static void pair(KernelArguments arguments, CudaTensor x, CudaTensor y, CudaTensor out) {
    arguments
        .add(x.address())
        .add(Types.kernel(x.dtype()))
        .add(y.address())
        .add(Types.kernel(y.dtype()))
        .add(out.address())
        .add(Types.kernel(out.dtype()));
  }

  private static void single(KernelArguments arguments, CudaTensor x, CudaTensor out) {
    arguments
        .add(x.address())
        .add(Types.kernel(x.dtype()))
        .add(out.address())
        .add(Types.kernel(out.dtype()));
  }

  /** Adds the arguments before the count. */
  @FunctionalInterface
  private interface Filler {
    void fill(KernelArguments arguments);
  }

  private void elementwise(String name, CudaTensor out, Filler filler) {
    long count = out.shape().elements();
    if (count == 0) {
      return;
    }
    KernelArguments arguments = backend.arguments();
    filler.fill(arguments);
    backend.launch(
        KernelLibrary.Variant.of("elementwise", false),
        name,
        Grids.each(count, THREADS),
        arguments.add(count));
  }

  private static DType wider(CudaTensor x, CudaTensor y) {
    floating("element-wise", x);
    floating("element-wise", y);
    return x.dtype() == DType.F32 || y.dtype() == DType.F32 ? DType.F32 : x.dtype();
  }

  private static DType floating(String op, CudaTensor x) {
    if (!x.dtype().isFloating()) {
      throw new IllegalArgumentException(op + ": expected numbers, got " + x);
    }
    return x.dtype();
  }

  private static Shape same(String op, CudaTensor x, CudaTensor y) {
    if (!x.shape().equals(y.shape())) {
      throw new IllegalArgumentException(
          "%s: expected equal shapes, got %s and %s".formatted(op, x, y));
    }
    return x.shape();
  }

  // ---- shape

  @Override
  public Tensor reshape(Tensor x, Shape shape) {
    CudaTensor in = scope.dense(x);
    if (shape.elements() != in.shape().elements()) {
      throw new IllegalArgumentException("reshape: cannot view %s as %s".formatted(in, shape));
    }
    return scope.view(in, 0, shape, shape.rank() == 0 ? 1 : shape.dim(-1));
  }

  @Override
  public Tensor concatLast(Tensor x, Tensor y) {
    CudaTensor a = scope.own(x);
    CudaTensor b = scope.own(y);
    int width = a.dim(-1) + b.dim(-1);
    if (a.shape().rank() == 0 || !a.shape().withLast(width).equals(b.shape().withLast(width))) {
      throw new IllegalArgumentException("concatLast: %s and %s do not join".formatted(a, b));
    }
    DType type = wider(a, b);
    CudaTensor left = a.dtype() == type ? a : cast(scope.dense(a), type);
    CudaTensor right = b.dtype() == type ? b : cast(scope.dense(b), type);
    CudaTensor out = scope.allocate(a.shape().withLast(width), type);
    copyRows(left, out.address(), width);
    copyRows(right, out.address() + (long) a.dim(-1) * type.byteSize(), width);
    return out;
  }

  @Override
  public Tensor concatFirst(Tensor x, Tensor y) {
    CudaTensor a = scope.dense(x);
    CudaTensor b = scope.dense(y);
    long items = (long) a.dim(0) + b.dim(0);
    if (!a.shape().withFirst(items).equals(b.shape().withFirst(items))) {
      throw new IllegalArgumentException("concatFirst: %s and %s do not join".formatted(a, b));
    }
    DType type = wider(a, b);
    CudaTensor first = as(a, type);
    CudaTensor second = as(b, type);
    CudaTensor out = scope.allocate(a.shape().withFirst(items), type);
    copy(out.address(), first);
    copy(out.address() + first.byteSize(), second);
    return out;
  }

  private void copy(long target, CudaTensor source) {
    if (source.byteSize() > 0) {
      backend.driver().copyOnDevice(target, source.address(), source.byteSize(), backend.stream());
    }
  }

  @Override
  public Tensor sliceFirst(Tensor x, int from, int to) {
    CudaTensor in = scope.dense(x);
    checkSlice("sliceFirst", in, in.dim(0), from, to);
    long item = in.dim(0) == 0 ? 0 : in.shape().elements() / in.dim(0);
    Shape shape = in.shape().withFirst(to - from);
    return scope.view(in, from * item, shape, shape.dim(-1));
  }

  @Override
  public Tensor sliceLast(Tensor x, int from, int to) {
    CudaTensor in = scope.own(x);
    checkSlice("sliceLast", in, in.dim(-1), from, to);
    return scope.view(in, from, in.shape().withLast(to - from), in.rowStride());
  }

  private static void checkSlice(String op, CudaTensor x, int extent, int from, int to) {
    if (from < 0 || to < from || to > extent) {
      throw new IllegalArgumentException("%s: %d to %d of %s".formatted(op, from, to, x));
    }
  }

  /** A contiguous copy of a tensor whose rows lie apart. */
  CudaTensor compact(CudaTensor x) {
    CudaTensor out = scope.allocate(x.shape(), x.dtype());
    copyRows(x, out.address(), x.dim(-1));
    return out;
  }

  /**
   * Copies rows.
   *
   * @param targetStride elements from row to row at the target
   */
  private void copyRows(CudaTensor source, long target, long targetStride) {
    long rows = source.shape().rows();
    int bytes = source.dtype().byteSize();
    long rowBytes = (long) source.dim(-1) * bytes;
    if (rows == 0 || rowBytes == 0) {
      return;
    }
    long sourceStride = source.rowStride() * bytes;
    long any = source.address() | target | rowBytes | sourceStride | targetStride * bytes;
    boolean wide = any % 16 == 0;
    backend.launch(
        KernelLibrary.Variant.of("shape", false),
        wide ? "copy_rows_16" : "copy_rows_2",
        Grids.each(rows * rowBytes / (wide ? 16 : 2), THREADS),
        backend
            .arguments()
            .add(source.address())
            .add(sourceStride)
            .add(target)
            .add(targetStride * bytes)
            .add(rowBytes)
            .add(rows));
  }

  @Override
  public Tensor toChannelsLast(Tensor x) {
    CudaTensor in = image("toChannelsLast", x);
    return transpose(
        in,
        Shape.of(in.dim(0), in.dim(2), in.dim(3), in.dim(1)),
        in.dim(1),
        (long) in.dim(2) * in.dim(3));
  }

  @Override
  public Tensor toChannelsFirst(Tensor x) {
    CudaTensor in = image("toChannelsFirst", x);
    return transpose(
        in,
        Shape.of(in.dim(0), in.dim(3), in.dim(1), in.dim(2)),
        (long) in.dim(1) * in.dim(2),
        in.dim(3));
  }

  private CudaTensor image(String op, Tensor x) {
    CudaTensor in = scope.dense(x);
    if (in.shape().rank() != 4) {
      throw new IllegalArgumentException(op + ": expected rank 4, got " + in);
    }
    return in;
  }

  private CudaTensor transpose(CudaTensor in, Shape shape, long rows, long columns) {
    CudaTensor out = scope.allocate(shape, in.dtype());
    long count = shape.elements();
    if (count > 0) {
      backend.launch(
          KernelLibrary.Variant.of("shape", false),
          "transpose",
          Grids.each(count, THREADS),
          backend
              .arguments()
              .add(in.address())
              .add(out.address())
              .add(rows)
              .add(columns)
              .add(in.dtype().byteSize())
              .add(count));
    }
    return out;
  }

  @Override
  public Tensor resizeNearest(Tensor x, int height, int width) {
    CudaTensor in = image("resizeNearest", x);
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException("resizeNearest: to %d x %d".formatted(height, width));
    }
    CudaTensor out = scope.allocate(Shape.of(in.dim(0), height, width, in.dim(3)), in.dtype());
    long rowBytes = (long) in.dim(3) * in.dtype().byteSize();
    boolean wide = (in.address() | rowBytes) % 16 == 0;
    long units = rowBytes / (wide ? 16 : 2);
    long count = (long) in.dim(0) * height * width * units;
    if (count > 0) {
      backend.launch(
          KernelLibrary.Variant.of("shape", false),
          wide ? "resize_16" : "resize_2",
          Grids.each(count, THREADS),
          backend
              .arguments()
              .add(in.address())
              .add(out.address())
              .add(in.dim(1))
              .add(in.dim(2))
              .add(height)
              .add(width)
              .add(units)
              .add(count));
    }
    return out;
  }
}
