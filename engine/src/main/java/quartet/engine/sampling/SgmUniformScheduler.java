package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/**
 * Evenly spaced timesteps without the last one, then 0. Source: Stability-AI/generative-models
 * {@code LegacyDDPMDiscretization}; ComfyUI {@code normal_scheduler(sgm=True)} (behaviour).
 */
final class SgmUniformScheduler implements Scheduler {
  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    float[] timesteps = Linspace.of(schedule.lastTimestep(), schedule.firstTimestep(), steps + 1);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      sigmas[i] = schedule.sigma(timesteps[i]);
    }
    return sigmas;
  }
}
