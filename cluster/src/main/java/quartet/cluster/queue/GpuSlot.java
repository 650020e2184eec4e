package quartet.cluster.queue;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.GpuView;
import quartet.cluster.placement.Placement;

/**
 * One device as the queue sees it: what it does and what is on it.
 *
 * <p>Thread: the queue's.
 */
final class GpuSlot {
  private static final double SECOND = 1000.0;

  /** A prompt that takes longer than expected takes at least this share of the estimate more. */
  private static final double MIN_REST = 0.1;

  /** A prompt on the device. */
  record Running(
      Waiting waiting,
      long sinceMillis,
      double loadSeconds,
      double runSeconds,
      double units,
      boolean resident) {
    /** Seconds until it ends, as far as can be said: what overruns is expected to overrun more. */
    double rest(long nowMillis) {
      double elapsed = (nowMillis - sinceMillis) / SECOND;
      double expected = loadSeconds + runSeconds;
      return Math.max(Math.abs(expected - elapsed), expected * MIN_REST);
    }

    DeviceNow.Running shown() {
      return new DeviceNow.Running(
          waiting.promptId(),
          sinceMillis,
          sinceMillis + Math.round((loadSeconds + runSeconds) * SECOND));
    }
  }

  final int gpuId;
  Set<String> cachedStages = Set.of();
  Set<String> resident = Set.of();
  long freeBytes = -1;
  long totalBytes = -1;
  boolean paused;
  @Nullable String unhealthy;
  @Nullable Running running;

  GpuSlot(int gpuId) {
    this.gpuId = gpuId;
  }

  /** Whether prompts may be started here at all. */
  boolean usable() {
    return !paused && unhealthy == null;
  }

  boolean idle() {
    return usable() && running == null;
  }

  /** Seconds until it is free. */
  double rest(long nowMillis) {
    Running now = running;
    return now == null ? 0 : now.rest(nowMillis);
  }

  GpuView view(double queueSeconds) {
    return new GpuView(gpuId, resident, freeBytes, totalBytes, cachedStages, queueSeconds);
  }

  /** For people. */
  DeviceNow now() {
    Running here = running;
    return new DeviceNow(
        gpuId, resident, freeBytes, totalBytes, here == null ? null : here.shown());
  }

  /** A prompt runs here from now on; what it will load is expected to be here. */
  void start(Waiting one, Placement.Estimate estimate, long nowMillis) {
    running =
        new Running(
            one,
            nowMillis,
            estimate.loadSeconds(),
            estimate.runSeconds(),
            one.work().unitsWithout(cachedStages),
            estimate.loadSeconds() == 0);
    expect(one.work().checkpoints());
  }

  private void expect(Set<String> checkpoints) {
    if (!view(0).holdsAll(checkpoints)) {
      Set<String> then = new HashSet<>(resident);
      then.addAll(checkpoints);
      resident = then;
    }
  }
}
