package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/**
 * Sigma falls linearly by 2.5 % over the first half of the steps, then quadratically to 0. Source:
 * Polyak et al. 2024, "Movie Gen", section 3.1.5; ComfyUI {@code linear_quadratic_schedule}
 * (behaviour).
 */
final class LinearQuadraticScheduler implements Scheduler {
  private static final double THRESHOLD = 0.025;

  @Override
  public float[] sigmas(NoiseSchedule schedule, int steps) {
    float[] sigmas = new float[steps + 1];
    sigmas[0] = schedule.sigmaMax();
    int linear = steps / 2;
    int quadratic = steps - linear;
    double difference = linear - THRESHOLD * steps;
    double square = difference / ((double) linear * quadratic * quadratic);
    double slope = THRESHOLD / linear - 2 * difference / ((double) quadratic * quadratic);
    double constant = square * ((double) linear * linear);
    for (int i = 1; i < steps; i++) {
      double progress =
          i < linear ? i * THRESHOLD / linear : square * ((double) i * i) + slope * i + constant;
      sigmas[i] = (float) (1 - progress) * schedule.sigmaMax();
    }
    return sigmas;
  }
}
