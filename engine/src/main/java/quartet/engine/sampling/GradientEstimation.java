package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Euler's method with the slope extrapolated from the last one. Source: Permenter and Yuan 2024,
 * "Interpreting and improving diffusion models using the Euclidean distance function", algorithm 2,
 * gamma = 2.
 *
 * @param cfgPp whether to renoise along the unconditional prediction
 */
record GradientEstimation(boolean cfgPp) implements Sampler {
  private static final float GAMMA = 2f;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    @Nullable Tensor old = null;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Denoised denoised = run.denoise(x, sigma);
      if (next == 0f) {
        return denoised.guided();
      }
      Tensor base = cfgPp ? denoised.requireUnconditional() : denoised.guided();
      Tensor slope = Combine.slope(ops, x, base, sigma);
      Tensor y =
          cfgPp
              ? Combine.along(ops, denoised.guided(), next, slope)
              : Combine.along(ops, x, next - sigma, slope);
      if (old != null) {
        Tensor change = Combine.difference(ops, slope, old);
        y = Combine.along(ops, y, (GAMMA - 1f) * (next - sigma), change);
      }
      x = y;
      old = slope;
    }
    return x;
  }
}
