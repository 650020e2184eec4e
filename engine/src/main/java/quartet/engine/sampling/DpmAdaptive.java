package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver-12/23 with its own step size: the steps asked for only give the range of sigmas.
 * Source: Lu et al. 2022, "DPM-Solver", appendix C; k-diffusion {@code sample_dpm_adaptive} with
 * its default tolerances and integral controller.
 */
final class DpmAdaptive implements Sampler {
  private static final float RELATIVE = 0.05f;
  private static final float ABSOLUTE = 0.0078f;
  private static final float FIRST_STEP = 0.05f;
  private static final double ACCEPT = 0.81;
  private static final double EPSILON = 1e-8;
  private static final float END = 1e-5f;

  /** A run that wants more attempts than this has diverged. */
  private static final int MAX_ATTEMPTS = 10_000;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    float s = F32.lambda(sigmas[0]);
    float end = F32.lambda(DpmSolver.lastSigma(sigmas));
    Tensor x = start;
    Tensor previous = start;
    double h = FIRST_STEP;
    for (int attempt = 0; s < end - END && attempt < MAX_ATTEMPTS; attempt++) {
      Ops ops = run.beginStep();
      // Rejected attempts must not let the accepted tensors age.
      x = ops.affine(x, 1f, 0f);
      previous = ops.affine(previous, 1f, 0f);
      float t = Math.min(end, s + (float) h);
      DpmSolver solver = new DpmSolver(run, ops);
      Tensor noise = solver.noise(x, s);
      DpmSolver.Second low = solver.second(x, s, t, noise, (float) (1.0 / 3));
      Tensor high = solver.third(x, s, t, noise, low.inner());
      double error = error(ops.download(low.x()), ops.download(high), ops.download(previous));
      double factor = 1 + Math.atan(Math.cbrt(1 / (error + EPSILON)) - 1);
      if (factor >= ACCEPT) {
        previous = low.x();
        x = high;
        s = t;
      }
      h *= factor;
    }
    return x;
  }

  /** Root mean square of the difference, in units of the tolerance. */
  private static double error(float[] low, float[] high, float[] previous) {
    double sum = 0;
    for (int i = 0; i < low.length; i++) {
      float size = Math.max(Math.abs(low[i]), Math.abs(previous[i]));
      double part = (low[i] - high[i]) / Math.max(ABSOLUTE, RELATIVE * size);
      sum += part * part;
    }
    return Math.sqrt(sum / low.length);
  }
}
