package quartet.engine.sampling;

import java.util.Arrays;
import quartet.engine.model.NoiseSchedule;

/**
 * Evenly spaced timesteps, the last one included, then 0. Source: k-diffusion {@code
 * DiscreteSchedule.get_sigmas}; ComfyUI {@code normal_scheduler} (behaviour).
 */
final class NormalScheduler implements Scheduler {
  /** A table that already ends at zero noise needs no further 0. */
  private static final float ZERO = 1e-5f;

  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    boolean endsAtZero = schedule.sigma(schedule.firstTimestep()) <= ZERO;
    int points = endsAtZero ? steps + 1 : steps;
    float[] timesteps = Linspace.of(schedule.lastTimestep(), schedule.firstTimestep(), points);
    float[] sigmas = new float[points];
    for (int i = 0; i < points; i++) {
      sigmas[i] = schedule.sigma(timesteps[i]);
    }
    return endsAtZero ? sigmas : Arrays.copyOf(sigmas, points + 1);
  }
}
