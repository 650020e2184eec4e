package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import quartet.cuda.LaunchShape;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;

/**
 * One checkpoint part's weights on one device. Bytes go over the link as they stand in the file;
 * type and layout are changed on the device.
 *
 * <p>Owner: of its blocks, until it is closed. Thread: the device's.
 */
final class CudaParameters implements Parameters {
  private static final int THREADS = 256;
  private static final int WIDE = 8;

  private final CudaBackend backend;
  private final DType type;
  private final @Nullable MemorySegment region;
  private final boolean direct;
  private final List<ChunkPool.Block> blocks = new ArrayList<>();
  private @Nullable Uploads uploads;
  private long byteSize;
  private boolean closed;

  /**
   * Opens an empty set.
   *
   * @param type float16, or bfloat16 where float16's range is too small
   * @param region the mapped file, if there is one
   */
  CudaParameters(CudaBackend backend, DType type, @Nullable MemorySegment region) {
    this.backend = backend;
    this.type = type;
    this.region = region;
    this.direct = region != null && backend.registrations().hold(backend.driver(), region);
  }

  @Override
  public Conv2d conv2d(HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry) {
    Shape shape = weight.shape();
    if (shape.rank() != 4
        || shape.dim(2) != geometry.kernel()
        || shape.dim(3) != geometry.kernel()) {
      throw new IllegalArgumentException(
          "conv2d: expected weight [Cout, Cin, %d, %d], got %s"
              .formatted(geometry.kernel(), geometry.kernel(), shape));
    }
    int outs = shape.dim(0);
    int ins = shape.dim(1);
    int wideOut = roundUp(outs);
    int wideIn = roundUp(ins);
    int taps = geometry.kernel() * geometry.kernel();
    long count = (long) wideOut * taps * wideIn;
    long target = allocate(count * type.byteSize());
    withSource(
        weight,
        (source, sourceType) ->
            backend.launch(
                KernelLibrary.Variant.of("weights", type == DType.BF16),
                "convert_filter",
                grid(count),
                backend
                    .arguments()
                    .add(source)
                    .add(sourceType)
                    .add(target)
                    .add(Types.kernel(type))
                    .add(outs)
                    .add(ins)
                    .add(taps)
                    .add(wideIn)
                    .add(count)));
    return new DeviceWeights.Conv(
        this, ins, outs, wideIn, wideOut, geometry, type, target, vector(bias, outs, wideOut));
  }

  @Override
  public Linear linear(HostTensor weight, @Nullable HostTensor bias) {
    return linears(List.of(weight), bias == null ? List.of() : List.of(bias));
  }

  @Override
  public Linear linears(List<HostTensor> weights, List<HostTensor> biases) {
    int in = weights.getFirst().shape().dim(1);
    int out = 0;
    for (HostTensor weight : weights) {
      Shape shape = weight.shape();
      if (shape.rank() < 2 || shape.elements() != (long) shape.dim(0) * in) {
        throw new IllegalArgumentException(
            "linear: expected weight [Dout, %d], got %s".formatted(in, shape));
      }
      out += shape.dim(0);
    }
    long target = allocate((long) out * in * type.byteSize());
    long at = target;
    for (HostTensor weight : weights) {
      store(weight, at, type);
      at += weight.shape().elements() * type.byteSize();
    }
    long bias = 0;
    if (!biases.isEmpty()) {
      bias = allocate((long) out * type.byteSize());
      long to = bias;
      int given = 0;
      for (HostTensor part : biases) {
        store(part, to, type);
        to += part.shape().elements() * type.byteSize();
        given += Math.toIntExact(part.shape().elements());
      }
      if (given != out) {
        throw new IllegalArgumentException(
            "linear: %d outputs but %d biases".formatted(out, given));
      }
    }
    return new DeviceWeights.Linear(this, in, out, type, target, bias);
  }

  @Override
  public Norm norm(HostTensor weight, HostTensor bias) {
    if (weight.shape().rank() != 1 || !weight.shape().equals(bias.shape())) {
      throw new IllegalArgumentException(
          "norm: expected two vectors of one length, got %s and %s"
              .formatted(weight.shape(), bias.shape()));
    }
    int channels = weight.shape().dim(0);
    long scale = allocate((long) channels * Float.BYTES);
    store(weight, scale, DType.F32);
    long shift = allocate((long) channels * Float.BYTES);
    store(bias, shift, DType.F32);
    return new DeviceWeights.Norm(this, channels, type, scale, shift);
  }

  @Override
  public Table table(HostTensor rows) {
    if (rows.shape().rank() != 2) {
      throw new IllegalArgumentException("table: expected [rows, D], got " + rows.shape());
    }
    long target = allocate(rows.shape().elements() * type.byteSize());
    store(rows, target, type);
    return new DeviceWeights.Table(this, rows.shape().dim(0), rows.shape().dim(1), type, target);
  }

  private static int roundUp(int channels) {
    return (channels + WIDE - 1) / WIDE * WIDE;
  }

  private long vector(@Nullable HostTensor host, int length, int wide) {
    if (host == null) {
      return 0;
    }
    if (host.shape().elements() != length) {
      throw new IllegalArgumentException(
          "a bias of %s for %d outputs".formatted(host.shape(), length));
    }
    long target = allocate((long) wide * type.byteSize());
    backend.driver().fill(target, (byte) 0, (long) wide * type.byteSize(), backend.stream());
    store(host, target, type);
    return target;
  }

  private long allocate(long bytes) {
    requireOpen();
    ChunkPool.Block block = backend.weightPool().allocate(Math.max(1, bytes));
    blocks.add(block);
    byteSize += block.bytes;
    return block.address;
  }

  /** What reads a weight's bytes from device memory. */
  @FunctionalInterface
  private interface Reader {
    void read(long source, int sourceType);
  }

  private void store(HostTensor host, long target, DType wanted) {
    long count = host.shape().elements();
    if (host.dtype() == wanted) {
      send(host.segment(), target);
      return;
    }
    withSource(
        host,
        (source, sourceType) ->
            backend.launch(
                KernelLibrary.Variant.of("weights", type == DType.BF16),
                "convert_weights",
                grid(count),
                backend
                    .arguments()
                    .add(source)
                    .add(sourceType)
                    .add(target)
                    .add(Types.kernel(wanted))
                    .add(count)));
  }

  /** Brings a weight to the device as it stands in the file, and lets it be read there. */
  private void withSource(HostTensor host, Reader reader) {
    HostTensor readable = host;
    if (!Types.isReadable(host.dtype())) {
      readable = HostTensor.of(host.shape(), host.toFloats());
    }
    if (readable.byteSize() == 0) {
      return;
    }
    if (comesAhead(readable.segment())) {
      reader.read(ahead().bring(readable.segment()), Types.kernel(readable.dtype()));
      return;
    }
    ChunkPool.Block raw = backend.activationPool().allocate(readable.byteSize());
    try {
      send(readable.segment(), raw.address);
      reader.read(raw.address, Types.kernel(readable.dtype()));
    } finally {
      backend.activationPool().release(raw);
    }
  }

  private void send(MemorySegment source, long target) {
    if (source.byteSize() == 0) {
      return;
    }
    if (comesAhead(source)) {
      long at = ahead().bring(source);
      backend.driver().copyOnDevice(target, at, source.byteSize(), backend.stream());
    } else if (direct && inRegion(source)) {
      backend.driver().copyToDevice(target, source, backend.stream());
    } else {
      backend.staging().upload(target, source);
    }
  }

  private boolean comesAhead(MemorySegment source) {
    return direct && Uploads.fits(source.byteSize()) && inRegion(source);
  }

  private Uploads ahead() {
    if (uploads == null) {
      uploads =
          new Uploads(
              backend.driver(),
              backend.activationPool(),
              Objects.requireNonNull(region),
              backend.stream(),
              backend.copies(),
              Uploads.SEGMENT_BYTES);
    }
    return uploads;
  }

  private boolean inRegion(MemorySegment source) {
    return region != null
        && source.isNative()
        && source.address() >= region.address()
        && source.address() + source.byteSize() <= region.address() + region.byteSize();
  }

  private static LaunchShape grid(long count) {
    return Grids.each(count, THREADS);
  }

  @Override
  public void loaded() {
    if (uploads != null) {
      uploads.close();
      uploads = null;
    }
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the parameters are closed on " + backend.device());
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    loaded();
    if (region != null) {
      // Copies from the file must be done before it may be unmapped.
      backend.driver().synchronize(backend.stream());
      backend.registrations().release(backend.driver(), region);
    }
    blocks.forEach(backend.weightPool()::release);
    blocks.clear();
    byteSize = 0;
    backend.forget(this);
  }
}
