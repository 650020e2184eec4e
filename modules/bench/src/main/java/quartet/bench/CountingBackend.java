package quartet.bench;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Computes shapes and counts operations, and nothing else. The model's own code runs on it, so the
 * count is of what is really asked for, not of a formula beside it.
 */
final class CountingBackend implements Backend {
  private static final Device DEVICE = new Device(Device.Kind.SIM, 0);

  private final OpCount count = new OpCount();

  OpCount count() {
    return count;
  }

  @Override
  public Device device() {
    return DEVICE;
  }

  @Override
  public String description() {
    return "counts operations";
  }

  @Override
  public TensorScope openScope(String purpose) {
    return new Scope();
  }

  @Override
  public Parameters openParameters(String sourceId) {
    return new Shapes();
  }

  @Override
  public DeviceMemory memory() {
    return new DeviceMemory(0, 0, 0, 0);
  }

  @Override
  public void close() {}

  private record Ghost(Shape shape) implements Tensor {
    @Override
    public DType dtype() {
      return DType.F32;
    }

    @Override
    public Device device() {
      return DEVICE;
    }
  }

  private record GhostConv(int inChannels, int outChannels, Conv2dGeometry geometry)
      implements Parameters.Conv2d {}

  private record GhostLinear(int inWidth, int outWidth) implements Parameters.Linear {}

  private record GhostNorm(int channels) implements Parameters.Norm {}

  private record GhostTable(int rows, int width) implements Parameters.Table {}

  private static final class Shapes implements Parameters {
    @Override
    public Conv2d conv2d(HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry) {
      return new GhostConv(weight.shape().dim(1), weight.shape().dim(0), geometry);
    }

    @Override
    public Linear linear(HostTensor weight, @Nullable HostTensor bias) {
      return new GhostLinear(weight.shape().dim(1), weight.shape().dim(0));
    }

    @Override
    public Norm norm(HostTensor weight, HostTensor bias) {
      return new GhostNorm(weight.shape().dim(0));
    }

    @Override
    public Table table(HostTensor rows) {
      return new GhostTable(rows.shape().dim(0), rows.shape().dim(1));
    }

    @Override
    public long byteSize() {
      return 0;
    }

    @Override
    public void close() {}
  }

  private final class Scope implements TensorScope {
    private final Ops ops = new CountingOps();

    @Override
    public Ops ops() {
      return ops;
    }

    @Override
    public TensorScope child(String purpose) {
      return new Scope();
    }

    @Override
    public Tensor handOver(Tensor tensor) {
      return tensor;
    }

    @Override
    public long liveBytes() {
      return 0;
    }

    @Override
    public void close() {}
  }

  private final class CountingOps implements Ops {
    @Override
    public Tensor upload(HostTensor host) {
      return new Ghost(host.shape());
    }

    @Override
    public float[] download(Tensor tensor) {
      return new float[Math.toIntExact(tensor.shape().elements())];
    }

    @Override
    public Tensor conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual) {
      Conv2dGeometry geometry = conv.geometry();
      Shape out =
          Shape.of(
              x.dim(0),
              geometry.outHeight(x.dim(1)),
              geometry.outWidth(x.dim(2)),
              conv.outChannels());
      count.addConvolution(
          2.0 * out.elements() * conv.inChannels() * geometry.kernel() * geometry.kernel());
      return new Ghost(out);
    }

    @Override
    public Tensor linear(
        Tensor x, Parameters.Linear linear, Activation activation, @Nullable Tensor residual) {
      Shape out = x.shape().withLast(linear.outWidth());
      count.addLinear(2.0 * out.elements() * linear.inWidth());
      return new Ghost(out);
    }

    @Override
    public Tensor linearGeglu(Tensor x, Parameters.Linear linear) {
      count.addLinear(2.0 * x.shape().rows() * linear.outWidth() * linear.inWidth());
      return new Ghost(x.shape().withLast(linear.outWidth() / 2));
    }

    @Override
    public Tensor groupNorm(
        Tensor x, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
      return x;
    }

    @Override
    public Tensor layerNorm(Tensor x, Parameters.Norm norm, float epsilon) {
      return x;
    }

    @Override
    public Tensor embedding(Parameters.Table table, Tensor ids) {
      long[] extents = java.util.Arrays.copyOf(ids.shape().extents(), ids.shape().rank() + 1);
      extents[extents.length - 1] = table.width();
      return new Ghost(Shape.of(extents));
    }

    @Override
    public Tensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal) {
      count.addAttention(4.0 * query.shape().elements() * key.dim(1));
      return new Ghost(query.shape());
    }

    @Override
    public Tensor add(Tensor x, Tensor y) {
      return x;
    }

    @Override
    public Tensor multiply(Tensor x, Tensor y) {
      return x;
    }

    @Override
    public Tensor linearCombination(float a, Tensor x, float b, Tensor y) {
      return x;
    }

    @Override
    public Tensor affine(Tensor x, float scale, float shift) {
      return x;
    }

    @Override
    public Tensor activate(Tensor x, Activation activation) {
      return x;
    }

    @Override
    public Tensor clamp(Tensor x, float low, float high) {
      return x;
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor vector) {
      return x;
    }

    @Override
    public Tensor reshape(Tensor x, Shape shape) {
      return new Ghost(shape);
    }

    @Override
    public Tensor concatLast(Tensor x, Tensor y) {
      return new Ghost(x.shape().withLast(x.dim(-1) + y.dim(-1)));
    }

    @Override
    public Tensor concatFirst(Tensor x, Tensor y) {
      return new Ghost(x.shape().withFirst(x.dim(0) + y.dim(0)));
    }

    @Override
    public Tensor sliceFirst(Tensor x, int from, int to) {
      return new Ghost(x.shape().withFirst(to - from));
    }

    @Override
    public Tensor sliceLast(Tensor x, int from, int to) {
      return new Ghost(x.shape().withLast(to - from));
    }

    @Override
    public Tensor toChannelsLast(Tensor x) {
      return new Ghost(Shape.of(x.dim(0), x.dim(2), x.dim(3), x.dim(1)));
    }

    @Override
    public Tensor toChannelsFirst(Tensor x) {
      return new Ghost(Shape.of(x.dim(0), x.dim(3), x.dim(1), x.dim(2)));
    }

    @Override
    public Tensor resizeNearest(Tensor x, int height, int width) {
      return new Ghost(Shape.of(x.dim(0), height, width, x.dim(3)));
    }
  }
}
