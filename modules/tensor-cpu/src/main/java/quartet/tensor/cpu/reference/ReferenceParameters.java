package quartet.tensor.cpu.reference;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.cpu.core.Checks;

/** Parameters as float arrays in PyTorch's own layouts. */
final class ReferenceParameters implements Parameters {
  private final AtomicLong deviceBytes;
  private final Consumer<ReferenceParameters> onClose;
  private long byteSize;
  private boolean closed;

  ReferenceParameters(AtomicLong deviceBytes, Consumer<ReferenceParameters> onClose) {
    this.deviceBytes = deviceBytes;
    this.onClose = onClose;
  }

  @Override
  public Conv2d conv2d(HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry) {
    Checks.convWeights(weight, bias, geometry);
    int outChannels = weight.shape().dim(0);
    return new Conv(
        this,
        weight.shape().dim(1),
        outChannels,
        geometry,
        numbers(weight),
        biasOrZeros(bias, outChannels));
  }

  @Override
  public Linear linear(HostTensor weight, @Nullable HostTensor bias) {
    Checks.linearWeights(weight, bias);
    int outWidth = weight.shape().dim(0);
    return new Lin(
        this, weight.shape().dim(1), outWidth, numbers(weight), biasOrZeros(bias, outWidth));
  }

  @Override
  public Norm norm(HostTensor weight, HostTensor bias) {
    Checks.normWeights(weight, bias);
    return new Scales(this, numbers(weight), numbers(bias));
  }

  @Override
  public Table table(HostTensor rows) {
    Checks.tableRows(rows);
    return new Rows(this, rows.shape().dim(0), rows.shape().dim(1), numbers(rows));
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      deviceBytes.addAndGet(-byteSize);
      byteSize = 0;
      onClose.accept(this);
    }
  }

  void requireOpen(String op) {
    if (closed) {
      throw new IllegalStateException(op + ": the parameters are closed");
    }
  }

  private Numbers numbers(HostTensor host) {
    requireOpen("parameters");
    float[] out = host.toFloats();
    long bytes = out.length * (long) Float.BYTES;
    byteSize += bytes;
    deviceBytes.addAndGet(bytes);
    return new Numbers(out);
  }

  private Numbers biasOrZeros(@Nullable HostTensor bias, int length) {
    return bias == null ? new Numbers(new float[length]) : numbers(bias);
  }

  static Conv conv(Conv2d conv) {
    if (conv instanceof Conv mine) {
      return mine.open();
    }
    throw foreign("conv2d");
  }

  static Lin linear(Linear linear) {
    if (linear instanceof Lin mine) {
      return mine.open();
    }
    throw foreign("linear");
  }

  static Scales norm(Norm norm) {
    if (norm instanceof Scales mine) {
      return mine.open();
    }
    throw foreign("norm");
  }

  static Rows table(Table table) {
    if (table instanceof Rows mine) {
      return mine.open();
    }
    throw foreign("embedding");
  }

  private static IllegalArgumentException foreign(String op) {
    return new IllegalArgumentException(op + ": the parameters were made by another backend");
  }

  /** Weight {@code [Cout, Cin, k, k]}. */
  record Conv(
      ReferenceParameters owner,
      int inChannels,
      int outChannels,
      Conv2dGeometry geometry,
      Numbers weight,
      Numbers bias)
      implements Conv2d {
    private Conv open() {
      owner.requireOpen("conv2d");
      return this;
    }
  }

  /** Weight {@code [Dout, Din]}. */
  record Lin(ReferenceParameters owner, int inWidth, int outWidth, Numbers weight, Numbers bias)
      implements Linear {
    private Lin open() {
      owner.requireOpen("linear");
      return this;
    }
  }

  /** Scale and shift {@code [C]}. */
  record Scales(ReferenceParameters owner, Numbers scale, Numbers shift) implements Norm {
    private Scales open() {
      owner.requireOpen("norm");
      return this;
    }

    @Override
    public int channels() {
      return scale.length();
    }
  }

  /** Numbers {@code [rows, width]}. */
  record Rows(ReferenceParameters owner, int rows, int width, Numbers numbers) implements Table {
    private Rows open() {
      owner.requireOpen("embedding");
      return this;
    }
  }
}
