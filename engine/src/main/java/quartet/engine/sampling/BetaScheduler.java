package quartet.engine.sampling;

import java.util.Arrays;
import quartet.engine.model.NoiseSchedule;

/**
 * Timesteps at the quantiles of a Beta(0.6, 0.6) distribution: dense at both ends. Equal neighbours
 * are dropped, so many steps give fewer than asked for. Source: Lee et al. 2024, "Beta sampling is
 * all you need"; ComfyUI {@code beta_scheduler} (behaviour).
 */
final class BetaScheduler implements Scheduler {
  private static final double ALPHA = 0.6;

  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    SymmetricBeta beta = new SymmetricBeta(ALPHA);
    float[] sigmas = new float[steps + 1];
    int count = 0;
    int last = -1;
    for (int k = 0; k < steps; k++) {
      double quantile = beta.inverse(1 - k * (1.0 / steps));
      int timestep = (int) Math.rint(quantile * (schedule.size() - 1));
      if (timestep != last) {
        sigmas[count++] = schedule.tableSigma(timestep);
        last = timestep;
      }
    }
    return Arrays.copyOf(sigmas, count + 1);
  }
}
