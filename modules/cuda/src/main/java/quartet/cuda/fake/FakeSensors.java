package quartet.cuda.fake;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import quartet.cuda.GpuReading;
import quartet.cuda.GpuSensors;

/** Says what it was told to say. */
public final class FakeSensors implements GpuSensors {
  private final AtomicReference<List<GpuReading>> readings = new AtomicReference<>(List.of());

  /** From now on. */
  public void set(List<GpuReading> now) {
    readings.set(List.copyOf(now));
  }

  @Override
  public List<GpuReading> read() {
    return readings.get();
  }

  @Override
  public void close() {
    readings.set(List.of());
  }
}
