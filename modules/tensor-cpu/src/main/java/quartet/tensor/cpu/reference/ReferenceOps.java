package quartet.tensor.cpu.reference;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Activation;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.cpu.core.Checks;
import quartet.tensor.cpu.core.CpuScope;
import quartet.tensor.cpu.core.CpuTensor;

/** Each op: check, read into arrays, loop, write. */
final class ReferenceOps implements Ops {
  private final CpuScope scope;

  ReferenceOps(CpuScope scope) {
    this.scope = scope;
  }

  @Override
  public Tensor upload(HostTensor host) {
    if (host.dtype() == DType.I32) {
      CpuTensor out = scope.allocate(host.shape(), DType.I32);
      MemorySegment target = out.segment();
      for (long i = 0; i < host.shape().elements(); i++) {
        target.setAtIndex(ValueLayout.JAVA_INT, i, (int) host.element(i));
      }
      return out;
    }
    return write(host.shape(), host.toFloats());
  }

  @Override
  public float[] download(Tensor tensor) {
    if (tensor.dtype() != DType.I32) {
      return read(tensor);
    }
    int[] ints = scope.own(tensor).segment().toArray(ValueLayout.JAVA_INT);
    float[] out = new float[ints.length];
    for (int i = 0; i < ints.length; i++) {
      out[i] = ints[i];
    }
    return out;
  }

  @Override
  public Tensor conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual) {
    Shape shape = Checks.conv2d(x, conv, residual);
    float[] out = zeros(shape);
    ReferenceProducts.conv2d(
        read(x),
        x.dim(0),
        x.dim(1),
        x.dim(2),
        ReferenceParameters.conv(conv),
        readOrNull(residual),
        out);
    return write(shape, out);
  }

  @Override
  public Tensor linear(
      Tensor x, Parameters.Linear linear, Activation activation, @Nullable Tensor residual) {
    Shape shape = Checks.linear("linear", x, linear, residual);
    float[] out = zeros(shape);
    ReferenceProducts.linear(
        read(x), ReferenceParameters.linear(linear), activation, readOrNull(residual), out);
    return write(shape, out);
  }

  @Override
  public Tensor linearGeglu(Tensor x, Parameters.Linear linear) {
    Shape shape = Checks.linearGeglu(x, linear);
    float[] out = zeros(shape);
    ReferenceProducts.linearGeglu(read(x), ReferenceParameters.linear(linear), out);
    return write(shape, out);
  }

  @Override
  public Tensor groupNorm(
      Tensor x, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
    Shape shape = Checks.groupNorm(x, norm, groups);
    float[] out = zeros(shape);
    int batch = x.dim(0);
    int pixels = out.length == 0 ? 0 : out.length / batch / norm.channels();
    ReferenceNorms.groupNorm(
        read(x), batch, pixels, ReferenceParameters.norm(norm), groups, epsilon, activation, out);
    return write(shape, out);
  }

  @Override
  public Tensor layerNorm(Tensor x, Parameters.Norm norm, float epsilon) {
    Shape shape = Checks.norm("layerNorm", x, norm);
    float[] out = zeros(shape);
    ReferenceNorms.layerNorm(
        read(x), (int) shape.rows(), ReferenceParameters.norm(norm), epsilon, out);
    return write(shape, out);
  }

  @Override
  public Tensor embedding(Parameters.Table table, Tensor ids) {
    Shape shape = Checks.embedding(table, ids);
    float[] out = zeros(shape);
    ReferenceShapes.embedding(
        ReferenceParameters.table(table),
        scope.own(ids).segment().toArray(ValueLayout.JAVA_INT),
        out);
    return write(shape, out);
  }

  @Override
  public Tensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal) {
    Shape shape = Checks.attention(query, key, value, heads);
    float[] out = zeros(shape);
    ReferenceAttention.attention(
        read(query),
        read(key),
        read(value),
        shape.dim(0),
        shape.dim(1),
        key.dim(1),
        heads,
        shape.dim(2) / heads,
        causal,
        out);
    return write(shape, out);
  }

  @Override
  public Tensor add(Tensor x, Tensor y) {
    return combine("add", x, y, (a, b) -> a + b);
  }

  @Override
  public Tensor multiply(Tensor x, Tensor y) {
    return combine("multiply", x, y, (a, b) -> a * b);
  }

  @Override
  public Tensor linearCombination(float a, Tensor x, float b, Tensor y) {
    return combine("linearCombination", x, y, (left, right) -> a * left + b * right);
  }

  @Override
  public Tensor affine(Tensor x, float scale, float shift) {
    return map("affine", x, value -> scale * value + shift);
  }

  @Override
  public Tensor activate(Tensor x, Activation activation) {
    return map("activate", x, value -> (float) Scalars.activate(value, activation));
  }

  @Override
  public Tensor clamp(Tensor x, float low, float high) {
    return map("clamp", x, value -> Math.min(Math.max(value, low), high));
  }

  @Override
  public Tensor addPerChannel(Tensor x, Tensor vector) {
    Shape shape = Checks.addPerChannel(x, vector);
    float[] out = read(x);
    float[] summands = read(vector);
    int channels = shape.dim(-1);
    for (int i = 0; i < out.length; i++) {
      int item = i / (out.length / shape.dim(0));
      out[i] += summands[item * channels + i % channels];
    }
    return write(shape, out);
  }

  @Override
  public Tensor reshape(Tensor x, Shape shape) {
    return scope.view(scope.own(x), 0, Checks.reshape(x, shape));
  }

  @Override
  public Tensor concatLast(Tensor x, Tensor y) {
    Shape shape = Checks.concatLast(x, y);
    float[] out = zeros(shape);
    ReferenceShapes.concatLast(read(x), x.dim(-1), read(y), y.dim(-1), (int) shape.rows(), out);
    return write(shape, x.dtype(), out);
  }

  @Override
  public Tensor concatFirst(Tensor x, Tensor y) {
    Shape shape = Checks.concatFirst(x, y);
    float[] out = zeros(shape);
    float[] first = read(x);
    float[] second = read(y);
    System.arraycopy(first, 0, out, 0, first.length);
    System.arraycopy(second, 0, out, first.length, second.length);
    return write(shape, x.dtype(), out);
  }

  @Override
  public Tensor sliceFirst(Tensor x, int from, int to) {
    Shape shape = Checks.slice("sliceFirst", x, 0, from, to);
    float[] all = read(x);
    float[] out = zeros(shape);
    int item = x.dim(0) == 0 ? 0 : all.length / x.dim(0);
    System.arraycopy(all, from * item, out, 0, out.length);
    return write(shape, x.dtype(), out);
  }

  @Override
  public Tensor sliceLast(Tensor x, int from, int to) {
    Shape shape = Checks.slice("sliceLast", x, -1, from, to);
    float[] out = zeros(shape);
    ReferenceShapes.sliceLast(read(x), x.dim(-1), from, to, (int) x.shape().rows(), out);
    return write(shape, x.dtype(), out);
  }

  @Override
  public Tensor toChannelsLast(Tensor x) {
    Shape shape = Checks.toChannelsLast(x);
    float[] out = zeros(shape);
    ReferenceShapes.transpose(read(x), x.dim(0), x.dim(1), x.dim(2) * x.dim(3), out);
    return write(shape, out);
  }

  @Override
  public Tensor toChannelsFirst(Tensor x) {
    Shape shape = Checks.toChannelsFirst(x);
    float[] out = zeros(shape);
    ReferenceShapes.transpose(read(x), x.dim(0), x.dim(1) * x.dim(2), x.dim(3), out);
    return write(shape, out);
  }

  @Override
  public Tensor resizeNearest(Tensor x, int height, int width) {
    Shape shape = Checks.resizeNearest(x, height, width);
    float[] out = zeros(shape);
    ReferenceShapes.resizeNearest(
        read(x), x.dim(0), x.dim(1), x.dim(2), x.dim(3), height, width, out);
    return write(shape, out);
  }

  private Tensor combine(String op, Tensor x, Tensor y, FloatPair function) {
    Shape shape = Checks.same(op, x, y);
    float[] out = read(x);
    float[] other = read(y);
    for (int i = 0; i < out.length; i++) {
      out[i] = function.apply(out[i], other[i]);
    }
    return write(shape, out);
  }

  private Tensor map(String op, Tensor x, FloatFunction function) {
    Shape shape = Checks.floats(op, x);
    float[] out = read(x);
    for (int i = 0; i < out.length; i++) {
      out[i] = function.apply(out[i]);
    }
    return write(shape, out);
  }

  private float[] read(Tensor tensor) {
    return scope.own(tensor).segment().toArray(ValueLayout.JAVA_FLOAT);
  }

  private float @Nullable [] readOrNull(@Nullable Tensor tensor) {
    return tensor == null ? null : read(tensor);
  }

  private static float[] zeros(Shape shape) {
    return new float[Math.toIntExact(shape.elements())];
  }

  private Tensor write(Shape shape, float[] numbers) {
    return write(shape, DType.F32, numbers);
  }

  /** Bits as they are: for I32 the floats are only a carrier of 32 bits. */
  private Tensor write(Shape shape, DType dtype, float[] numbers) {
    CpuTensor out = scope.allocate(shape, dtype);
    MemorySegment.copy(numbers, 0, out.segment(), ValueLayout.JAVA_FLOAT, 0, numbers.length);
    return out;
  }

  /** A function of one float. */
  private interface FloatFunction {
    float apply(float x);
  }

  /** A function of two floats. */
  private interface FloatPair {
    float apply(float x, float y);
  }
}
