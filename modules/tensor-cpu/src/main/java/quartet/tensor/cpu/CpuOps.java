package quartet.tensor.cpu;

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

/** Each op: check, take room for the result, run a kernel on addresses. */
final class CpuOps implements Ops {
  private final CpuScope scope;
  private final CpuHost host;
  private final LinearKernel linearKernel;
  private final ElementwiseKernel elementwise;
  private final ShapeKernel shapes;

  CpuOps(CpuScope scope, CpuHost host) {
    this.scope = scope;
    this.host = host;
    this.linearKernel = new LinearKernel(host);
    this.elementwise = new ElementwiseKernel(host);
    this.shapes = new ShapeKernel(host);
  }

  @Override
  public Tensor upload(HostTensor hostTensor) {
    long count = hostTensor.shape().elements();
    if (hostTensor.dtype() == DType.I32) {
      CpuTensor out = scope.allocate(hostTensor.shape(), DType.I32);
      out.segment().copyFrom(hostTensor.segment());
      return out;
    }
    CpuTensor out = scope.allocate(hostTensor.shape());
    WeightReader.floats(hostTensor, 0, count, address(out));
    return out;
  }

  @Override
  public float[] download(Tensor tensor) {
    CpuTensor own = scope.own(tensor);
    if (tensor.dtype() != DType.I32) {
      return own.segment().toArray(ValueLayout.JAVA_FLOAT);
    }
    int[] ints = own.segment().toArray(ValueLayout.JAVA_INT);
    float[] out = new float[ints.length];
    for (int i = 0; i < ints.length; i++) {
      out[i] = ints[i];
    }
    return out;
  }

  @Override
  public Tensor conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual) {
    Shape shape = Checks.conv2d(x, conv, residual);
    Prepared.Conv prepared = CpuParameters.conv(conv);
    long from = address(x);
    long added = addressOrNone(residual);
    CpuTensor result = scope.allocate(shape);
    long out = address(result);
    if (shape.elements() == 0) {
      return result;
    }
    int batch = x.dim(0);
    int height = x.dim(1);
    int width = x.dim(2);
    try (Workspace workspace = new Workspace(scope)) {
      switch (prepared.method()) {
        case POINTWISE ->
            linearKernel.run(
                from,
                shape.rows(),
                prepared.inChannels(),
                prepared.weight(),
                prepared.bias(),
                prepared.outChannels(),
                Activation.NONE,
                added,
                out);
        case WINOGRAD ->
            new WinogradConv(host).run(prepared, from, batch, height, width, added, out, workspace);
        case THIN -> new ThinConv(host).run(prepared, from, batch, height, width, added, out);
        case PATCHES ->
            new PatchConv(host, linearKernel)
                .run(prepared, from, batch, height, width, added, out, workspace);
      }
    }
    return result;
  }

  @Override
  public Tensor linear(
      Tensor x, Parameters.Linear linear, Activation activation, @Nullable Tensor residual) {
    Shape shape = Checks.linear("linear", x, linear, residual);
    Prepared.Linear prepared = CpuParameters.linear(linear);
    long from = address(x);
    long added = addressOrNone(residual);
    CpuTensor result = scope.allocate(shape);
    linearKernel.run(
        from,
        shape.rows(),
        prepared.inWidth(),
        prepared.weight(),
        prepared.bias(),
        prepared.outWidth(),
        activation,
        added,
        address(result));
    return result;
  }

  @Override
  public Tensor linearGeglu(Tensor x, Parameters.Linear linear) {
    Shape shape = Checks.linearGeglu(x, linear);
    Prepared.Linear prepared = CpuParameters.linear(linear);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    linearKernel.geglu(from, shape.rows(), prepared, address(result));
    return result;
  }

  @Override
  public Tensor groupNorm(
      Tensor x, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
    Shape shape = Checks.groupNorm(x, norm, groups);
    Prepared.Norm prepared = CpuParameters.norm(norm);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    int batch = shape.dim(0);
    long pixels = batch == 0 ? 0 : shape.rows() / batch;
    if (shape.elements() > 0) {
      try (Workspace workspace = new Workspace(scope)) {
        new GroupNormKernel(host)
            .run(
                from,
                batch,
                pixels,
                prepared,
                groups,
                epsilon,
                activation,
                address(result),
                workspace);
      }
    }
    return result;
  }

  @Override
  public Tensor layerNorm(Tensor x, Parameters.Norm norm, float epsilon) {
    Shape shape = Checks.norm("layerNorm", x, norm);
    Prepared.Norm prepared = CpuParameters.norm(norm);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    if (shape.elements() > 0) {
      new LayerNormKernel(host).run(from, shape.rows(), prepared, epsilon, address(result));
    }
    return result;
  }

  @Override
  public Tensor embedding(Parameters.Table table, Tensor ids) {
    Shape shape = Checks.embedding(table, ids);
    Prepared.Table prepared = CpuParameters.table(table);
    long from = address(ids);
    CpuTensor result = scope.allocate(shape);
    shapes.embedding(prepared, from, ids.shape().elements(), address(result));
    return result;
  }

  @Override
  public Tensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal) {
    Shape shape = Checks.attention(query, key, value, heads);
    long q = address(query);
    long k = address(key);
    long v = address(value);
    CpuTensor result = scope.allocate(shape);
    new AttentionKernel(host)
        .run(
            q,
            k,
            v,
            shape.dim(0),
            shape.dim(1),
            key.dim(1),
            heads,
            shape.dim(2) / heads,
            causal,
            address(result));
    return result;
  }

  @Override
  public Tensor add(Tensor x, Tensor y) {
    CpuTensor result = like(x, y, "add");
    elementwise.add(address(x), address(y), address(result), count(result));
    return result;
  }

  @Override
  public Tensor multiply(Tensor x, Tensor y) {
    CpuTensor result = like(x, y, "multiply");
    elementwise.multiply(address(x), address(y), address(result), count(result));
    return result;
  }

  @Override
  public Tensor linearCombination(float a, Tensor x, float b, Tensor y) {
    CpuTensor result = like(x, y, "linearCombination");
    elementwise.linearCombination(a, address(x), b, address(y), address(result), count(result));
    return result;
  }

  @Override
  public Tensor affine(Tensor x, float scale, float shift) {
    CpuTensor result = like(x, x, "affine");
    elementwise.affine(address(x), scale, shift, address(result), count(result));
    return result;
  }

  @Override
  public Tensor activate(Tensor x, Activation activation) {
    CpuTensor result = like(x, x, "activate");
    elementwise.activate(address(x), activation, address(result), count(result));
    return result;
  }

  @Override
  public Tensor clamp(Tensor x, float low, float high) {
    CpuTensor result = like(x, x, "clamp");
    elementwise.clamp(address(x), low, high, address(result), count(result));
    return result;
  }

  @Override
  public Tensor addPerChannel(Tensor x, Tensor vector) {
    Shape shape = Checks.addPerChannel(x, vector);
    long from = address(x);
    long summand = address(vector);
    CpuTensor result = scope.allocate(shape);
    int batch = shape.dim(0);
    if (shape.elements() > 0) {
      elementwise.addPerChannel(
          from, summand, batch, shape.rows() / batch, shape.dim(-1), address(result));
    }
    return result;
  }

  @Override
  public Tensor reshape(Tensor x, Shape shape) {
    return scope.view(scope.own(x), 0, Checks.reshape(x, shape));
  }

  @Override
  public Tensor concatLast(Tensor x, Tensor y) {
    Shape shape = Checks.concatLast(x, y);
    long left = address(x);
    long right = address(y);
    CpuTensor result = scope.allocate(shape, x.dtype());
    long leftBytes = (long) x.dim(-1) * Float.BYTES;
    long rightBytes = (long) y.dim(-1) * Float.BYTES;
    long step = leftBytes + rightBytes;
    long out = address(result);
    shapes.copyRows(left, leftBytes, out, step, leftBytes, shape.rows());
    shapes.copyRows(right, rightBytes, out + leftBytes, step, rightBytes, shape.rows());
    return result;
  }

  @Override
  public Tensor concatFirst(Tensor x, Tensor y) {
    Shape shape = Checks.concatFirst(x, y);
    long first = address(x);
    long second = address(y);
    CpuTensor result = scope.allocate(shape, x.dtype());
    long firstBytes = x.shape().elements() * Float.BYTES;
    shapes.copy(first, address(result), firstBytes);
    shapes.copy(second, address(result) + firstBytes, y.shape().elements() * Float.BYTES);
    return result;
  }

  @Override
  public Tensor sliceFirst(Tensor x, int from, int to) {
    Shape shape = Checks.slice("sliceFirst", x, 0, from, to);
    long item = x.dim(0) == 0 ? 0 : x.shape().elements() / x.dim(0);
    return scope.view(scope.own(x), from * item, shape);
  }

  @Override
  public Tensor sliceLast(Tensor x, int from, int to) {
    Shape shape = Checks.slice("sliceLast", x, -1, from, to);
    long source = address(x) + (long) from * Float.BYTES;
    CpuTensor result = scope.allocate(shape, x.dtype());
    long bytes = (long) (to - from) * Float.BYTES;
    shapes.copyRows(
        source, (long) x.dim(-1) * Float.BYTES, address(result), bytes, bytes, shape.rows());
    return result;
  }

  @Override
  public Tensor toChannelsLast(Tensor x) {
    Shape shape = Checks.toChannelsLast(x);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    shapes.transpose(from, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), address(result));
    return result;
  }

  @Override
  public Tensor toChannelsFirst(Tensor x) {
    Shape shape = Checks.toChannelsFirst(x);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    shapes.transpose(from, x.dim(0), x.dim(1) * x.dim(2), x.dim(3), address(result));
    return result;
  }

  @Override
  public Tensor resizeNearest(Tensor x, int height, int width) {
    Shape shape = Checks.resizeNearest(x, height, width);
    long from = address(x);
    CpuTensor result = scope.allocate(shape);
    shapes.resizeNearest(
        from, x.dim(0), x.dim(1), x.dim(2), x.dim(3), height, width, address(result));
    return result;
  }

  private CpuTensor like(Tensor x, Tensor y, String op) {
    Shape shape = Checks.same(op, x, y);
    address(x);
    address(y);
    return scope.allocate(shape);
  }

  private long address(Tensor tensor) {
    return scope.own(tensor).segment().address();
  }

  private long addressOrNone(@Nullable Tensor tensor) {
    return tensor == null ? 0 : address(tensor);
  }

  private static long count(Tensor tensor) {
    return tensor.shape().elements();
  }
}
