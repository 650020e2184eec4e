package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/** Chooses the noise levels of a run. */
interface Scheduler {
  /**
   * Falling sigmas, the last one 0.
   *
   * @param steps at least 1; the result has {@code steps + 1} entries unless the scheduler says
   *     otherwise
   */
  float[] sigmas(NoiseSchedule schedule, int steps);
}
