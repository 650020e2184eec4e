package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/**
 * Every n-th table entry from the clean end, then 0. The count may differ from the steps asked for
 * (30 give 31), and the first sigma is usually below the largest. Source: Song et al. 2021 (DDIM),
 * appendix D.2 "linear"; ComfyUI {@code ddim_scheduler} (behaviour).
 */
final class DdimUniformScheduler implements Scheduler {
  /** A table that begins at zero noise needs no further 0. */
  private static final float ZERO = 1e-5f;

  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    boolean beginsAtZero = schedule.tableSigma(1) <= ZERO;
    int stride = Math.max(schedule.size() / (beginsAtZero ? steps + 1 : steps), 1);
    int count = (schedule.size() - 2) / stride + 1;
    float[] sigmas = new float[beginsAtZero ? count : count + 1];
    for (int i = 0; i < count; i++) {
      sigmas[i] = schedule.tableSigma(1 + (count - 1 - i) * stride);
    }
    return sigmas;
  }
}
