package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/**
 * Table entries at even distances from the noisy end. Source: ComfyUI {@code simple_scheduler}
 * (behaviour).
 */
final class SimpleScheduler implements Scheduler {
  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    double stride = (double) schedule.size() / steps;
    float[] sigmas = new float[steps + 1];
    for (int k = 0; k < steps; k++) {
      sigmas[k] = schedule.tableSigma(schedule.size() - 1 - (int) (k * stride));
    }
    return sigmas;
  }
}
