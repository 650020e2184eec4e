package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/**
 * Even steps in the arc tangent of sigma. Source: Sabour et al. 2024, "Align your steps", eq. 15.
 */
final class KlOptimalScheduler implements Scheduler {
  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    float low = (float) Math.atan(schedule.sigmaMin());
    float high = (float) Math.atan(schedule.sigmaMax());
    float[] sigmas = new float[steps + 1];
    for (int k = 0; k < steps; k++) {
      // One step would be 0/0; it starts at the largest sigma instead.
      float share = steps == 1 ? 0f : (float) k / (steps - 1);
      sigmas[k] = (float) Math.tan(share * low + (1f - share) * high);
    }
    return sigmas;
  }
}
