package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * SEEDS-2: stochastic exponential solver with one inner point. Source: Gonzalez et al. 2023,
 * "SEEDS", algorithm 2; ComfyUI {@code sample_seeds_2} (behaviour) for its other forms.
 *
 * @param eta share of noise; 0 is deterministic
 * @param r where in the step the inner point lies
 * @param phi2 whether both predictions are weighted by phi_2 instead of interpolated
 */
record Seeds2(float eta, float r, boolean phi2) implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = run.withSignal(given);
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor denoised = run.guided(x, sigma);
      if (next == 0f) {
        return denoised;
      }
      float t = run.lambda(sigma);
      float h = run.lambda(next) - t;
      float he = h * (eta + 1f);
      float inner = run.sigmaAt(t + r * h);
      Tensor y =
          ops.linearCombination(
              inner / sigma * F32.exp(-r * h * eta),
              x,
              -run.signal(inner) * F32.expm1(-r * he),
              denoised);
      Tensor noise = x;
      if (eta > 0f) {
        noise = ops.affine(run.noise(x), F32.sqrt(-F32.expm1(-2f * r * h * eta)), 0f);
        y = Combine.along(ops, y, inner, noise);
      }
      Tensor innerDenoised = run.guided(y, inner);
      float whole = F32.expm1(-he);
      float second = phi2 ? (whole + he) / -he / r : whole / (2f * r);
      Tensor mix = ops.linearCombination(whole - second, denoised, second, innerDenoised);
      y = ops.linearCombination(next / sigma * F32.exp(-h * eta), x, -run.signal(next), mix);
      if (eta > 0f) {
        float g = (r - 1f) * h * eta;
        Tensor later =
            ops.linearCombination(F32.exp(g), noise, F32.sqrt(-F32.expm1(2f * g)), run.noise(x));
        y = Combine.along(ops, y, next, later);
      }
      x = y;
    }
    return x;
  }
}
