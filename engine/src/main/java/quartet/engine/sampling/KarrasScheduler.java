package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/** Even steps in the 7th root of sigma. Source: Karras et al. 2022, eq. 5, rho = 7. */
final class KarrasScheduler implements Scheduler {
  private static final double RHO = 7;

  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    double low = Math.pow(schedule.sigmaMin(), 1 / RHO);
    double high = Math.pow(schedule.sigmaMax(), 1 / RHO);
    float[] ramp = Linspace.of(0f, 1f, steps);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      float root = (float) high + ramp[i] * (float) (low - high);
      sigmas[i] = (float) Math.pow(root, RHO);
    }
    return sigmas;
  }
}
