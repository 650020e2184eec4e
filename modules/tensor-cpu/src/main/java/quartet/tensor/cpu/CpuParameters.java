package quartet.tensor.cpu;

import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.cpu.core.Checks;

/** One device's hold on a source's prepared parameters. */
final class CpuParameters implements Parameters {
  private final ParameterStore.Source source;
  private final Consumer<CpuParameters> onClose;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Set<Prepared> mine = Collections.newSetFromMap(new ConcurrentHashMap<>());

  CpuParameters(ParameterStore.Source source, Consumer<CpuParameters> onClose) {
    this.source = source;
    this.onClose = onClose;
  }

  @Override
  public Conv2d conv2d(HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry) {
    Checks.convWeights(weight, bias, geometry);
    Prepared.Conv shared =
        find(
            Prepared.Conv.class,
            weight,
            bias,
            geometry,
            from -> ConvPreparation.prepare(from, weight, bias, geometry));
    return new Conv(this, shared);
  }

  @Override
  public Linear linear(HostTensor weight, @Nullable HostTensor bias) {
    Checks.linearWeights(weight, bias);
    Prepared.Linear shared =
        find(
            Prepared.Linear.class,
            weight,
            bias,
            null,
            from -> WeightReader.linear(from, weight, bias));
    return new Lin(this, shared);
  }

  @Override
  public Norm norm(HostTensor weight, HostTensor bias) {
    Checks.normWeights(weight, bias);
    Prepared.Norm shared =
        find(
            Prepared.Norm.class, weight, bias, null, from -> WeightReader.norm(from, weight, bias));
    return new Scales(this, shared);
  }

  @Override
  public Table table(HostTensor rows) {
    Checks.tableRows(rows);
    Prepared.Table shared =
        find(Prepared.Table.class, rows, null, null, from -> WeightReader.table(from, rows));
    return new Rows(this, shared);
  }

  @Override
  public long byteSize() {
    return mine.stream().mapToLong(Prepared::byteSize).sum();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      mine.clear();
      onClose.accept(this);
      source.release();
    }
  }

  private <T extends Prepared> T find(
      Class<T> kind,
      HostTensor weight,
      @Nullable HostTensor other,
      @Nullable Conv2dGeometry geometry,
      Function<ParameterStore.Source, T> make) {
    requireOpen();
    ParameterStore.Key key =
        new ParameterStore.Key(
            kind,
            weight.dtype(),
            weight.shape(),
            geometry,
            Fingerprint.of(weight.segment()),
            other == null ? 0 : Fingerprint.of(other.segment()));
    T shared = source.prepare(key, kind, make);
    mine.add(shared);
    return shared;
  }

  private void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException(source + " are closed on this device");
    }
  }

  static Prepared.Conv conv(Conv2d conv) {
    if (conv instanceof Conv own) {
      own.owner.requireOpen();
      return own.shared;
    }
    throw foreign("conv2d");
  }

  static Prepared.Linear linear(Linear linear) {
    if (linear instanceof Lin own) {
      own.owner.requireOpen();
      return own.shared;
    }
    throw foreign("linear");
  }

  static Prepared.Norm norm(Norm norm) {
    if (norm instanceof Scales own) {
      own.owner.requireOpen();
      return own.shared;
    }
    throw foreign("norm");
  }

  static Prepared.Table table(Table table) {
    if (table instanceof Rows own) {
      own.owner.requireOpen();
      return own.shared;
    }
    throw foreign("embedding");
  }

  private static IllegalArgumentException foreign(String op) {
    return new IllegalArgumentException(op + ": the parameters were made by another backend");
  }

  private record Conv(CpuParameters owner, Prepared.Conv shared) implements Conv2d {
    @Override
    public int inChannels() {
      return shared.inChannels();
    }

    @Override
    public int outChannels() {
      return shared.outChannels();
    }

    @Override
    public Conv2dGeometry geometry() {
      return shared.geometry();
    }
  }

  private record Lin(CpuParameters owner, Prepared.Linear shared) implements Linear {
    @Override
    public int inWidth() {
      return shared.inWidth();
    }

    @Override
    public int outWidth() {
      return shared.outWidth();
    }
  }

  private record Scales(CpuParameters owner, Prepared.Norm shared) implements Norm {
    @Override
    public int channels() {
      return shared.channels();
    }
  }

  private record Rows(CpuParameters owner, Prepared.Table shared) implements Table {
    @Override
    public int rows() {
      return shared.rows();
    }

    @Override
    public int width() {
      return shared.width();
    }
  }
}
