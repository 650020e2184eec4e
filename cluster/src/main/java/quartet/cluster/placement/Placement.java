package quartet.cluster.placement;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * Chooses a device by the shortest expected finish: its queue, the loading of what is not there,
 * and the computing of what is not cached. Devices too small for the work are left out as long as
 * there is a larger one. Among equals: free memory, then the lowest number.
 *
 * @param times what was learned
 * @param modelBytes size of a checkpoint by its name; 0 if it is not known
 */
public record Placement(StepTimes times, ToLongFunction<String> modelBytes) {
  /** Activations of one picture of 512x512, an upper figure for SD1.5's VAE in fp16. */
  private static final long BYTES_PER_IMAGE = 400_000_000L;

  /** A prompt whose samplings are all cached still saves its pictures. */
  private static final double CACHED_SECONDS = 0.1;

  private static final double GIGABYTE = 1e9;

  /**
   * What a prompt would cost on a device.
   *
   * @param loadSeconds 0 if its checkpoints are there
   */
  public record Estimate(GpuView gpu, PromptWork work, double loadSeconds, double runSeconds) {
    /** From now to its end. */
    public double finishSeconds() {
      return gpu.queueSeconds() + loadSeconds + runSeconds;
    }

    /** For example {@code GPU 2: model resident, 3.1 GB free, queue 0.4 s}. */
    public String reason() {
      StringBuilder text = new StringBuilder("GPU ").append(gpu.gpuId()).append(": ");
      if (work.checkpoints().isEmpty()) {
        text.append("no model needed");
      } else if (gpu.holdsAll(work.checkpoints())) {
        text.append("model resident");
      } else {
        text.append("model to be loaded (").append(tenths(loadSeconds)).append(" s)");
      }
      long cached = work.stages().keySet().stream().filter(gpu.cachedStages()::contains).count();
      if (cached > 0) {
        text.append(", ").append(cached).append(" of ").append(work.stages().size());
        text.append(" samplings cached");
      }
      if (gpu.freeBytes() >= 0) {
        text.append(", ").append(tenths(gpu.freeBytes() / GIGABYTE)).append(" GB free");
      }
      return text.append(", queue ").append(tenths(gpu.queueSeconds())).append(" s").toString();
    }

    /** Ten thousand of these stand in one answer; String.format would take a second for them. */
    private static String tenths(double value) {
      long tenths = Math.round(value * 10);
      return tenths / 10 + "." + Math.abs(tenths % 10);
    }
  }

  /** What a prompt would cost there. */
  public Estimate estimate(PromptWork work, GpuView gpu) {
    return new Estimate(
        gpu,
        work,
        gpu.holdsAll(work.checkpoints()) ? 0 : times.loadSeconds(gpu.gpuId(), work),
        runSeconds(work, gpu));
  }

  private double runSeconds(PromptWork work, GpuView gpu) {
    double units = work.unitsWithout(gpu.cachedStages());
    return units == 0 && !work.stages().isEmpty()
        ? CACHED_SECONDS
        : times.seconds(gpu.gpuId(), work, units);
  }

  /** Whether the device could hold the work if it held nothing else. Unknown sizes fit. */
  public boolean fits(PromptWork work, GpuView gpu) {
    return gpu.totalBytes() < 0 || bytes(work) <= gpu.totalBytes();
  }

  /** Memory that the work needs, roughly. */
  public long bytes(PromptWork work) {
    long weights = 0;
    for (String name : work.checkpoints()) {
      weights += modelBytes.applyAsLong(name);
    }
    return weights + Math.round(work.images() * BYTES_PER_IMAGE);
  }

  /** The best of these devices, or empty if there are none. */
  public Optional<Estimate> choose(PromptWork work, Collection<GpuView> gpus) {
    boolean someFit = gpus.stream().anyMatch(gpu -> fits(work, gpu));
    return gpus.stream()
        .filter(gpu -> !someFit || fits(work, gpu))
        .map(gpu -> estimate(work, gpu))
        .min(
            Comparator.comparingDouble(Estimate::finishSeconds)
                .thenComparing(
                    Comparator.comparingLong((Estimate one) -> one.gpu().freeBytes()).reversed())
                .thenComparingInt(one -> one.gpu().gpuId()));
  }
}
