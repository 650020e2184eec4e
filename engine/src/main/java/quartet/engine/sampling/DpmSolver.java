package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Single steps of DPM-Solver of orders 1 to 3 in {@code t = -log sigma}. Source: Lu et al. 2022,
 * "DPM-Solver", algorithms 1 and 2 and eq. 4.1; k-diffusion {@code DPMSolver}.
 */
final class DpmSolver {
  private final SamplerRun run;
  private final Ops ops;

  DpmSolver(SamplerRun run, Ops ops) {
    this.run = run;
    this.ops = ops;
  }

  /** A second-order result, and the inner noise it was made of. */
  record Second(Tensor x, Tensor inner) {}

  /** The predicted noise. */
  Tensor noise(Tensor x, float t) {
    float sigma = F32.exp(-t);
    return Combine.slope(ops, x, run.guided(x, sigma), sigma);
  }

  Tensor first(Tensor x, float t, float to, Tensor noise) {
    return step(x, to, to - t, noise);
  }

  /** A first-order step; {@code h} is given because {@code to - t} would lose its last digits. */
  private Tensor step(Tensor x, float to, float h, Tensor noise) {
    return Combine.along(ops, x, -F32.exp(-to) * F32.expm1(h), noise);
  }

  Second second(Tensor x, float t, float to, Tensor noise, float r) {
    float h = to - t;
    Tensor inner = noise(step(x, t + r * h, r * h, noise), t + r * h);
    float factor = -F32.exp(-to) / (2f * r) * F32.expm1(h);
    Tensor y = first(x, t, to, noise);
    return new Second(Combine.along(ops, y, factor, Combine.difference(ops, inner, noise)), inner);
  }

  /**
   * Third order with inner points at a third and two thirds.
   *
   * @param known the noise at a third, if it is known already
   */
  Tensor third(Tensor x, float t, float to, Tensor noise, @Nullable Tensor known) {
    float h = to - t;
    float r1 = (float) (1.0 / 3);
    float r2 = (float) (2.0 / 3);
    float s1 = t + r1 * h;
    float s2 = t + r2 * h;
    Tensor inner = known == null ? noise(step(x, s1, r1 * h, noise), s1) : known;
    Tensor change = Combine.difference(ops, inner, noise);
    float factor = -F32.exp(-s2) * (r2 / r1) * (F32.expm1(r2 * h) / (r2 * h) - 1f);
    Tensor y = Combine.along(ops, step(x, s2, r2 * h, noise), factor, change);
    Tensor change2 = Combine.difference(ops, noise(y, s2), noise);
    float factor2 = -F32.exp(-to) / r2 * (F32.expm1(h) / h - 1f);
    return Combine.along(ops, first(x, t, to, noise), factor2, change2);
  }

  /** The last sigma, or the one before if that is 0, where t would be infinite. */
  static float lastSigma(float[] sigmas) {
    float last = sigmas[sigmas.length - 1];
    return last == 0f ? sigmas[sigmas.length - 2] : last;
  }
}
