package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/** Even steps in log sigma. Source: k-diffusion {@code get_sigmas_exponential}. */
final class ExponentialScheduler implements Scheduler {
  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    float[] logs =
        Linspace.of(
            (float) Math.log(schedule.sigmaMax()), (float) Math.log(schedule.sigmaMin()), steps);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      sigmas[i] = (float) Math.exp(logs[i]);
    }
    return sigmas;
  }
}
