package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Second-order exponential multistep. Source: Zhang et al. 2023, "Improved order analysis and
 * design of exponential integrator for diffusion models sampling" (RES), eq. 9 in multistep form;
 * ComfyUI {@code res_multistep} (behaviour).
 *
 * <p>On a rectified flow it takes sigma for noise beside a signal of 1 all the same. Without fresh
 * noise that is right, as the slope is the same; with it, it adds too much: what ComfyUI does, so
 * that a seed gives its picture.
 *
 * @param eta share of fresh noise
 * @param cfgPp whether to renoise along the unconditional prediction
 */
record ResMultistep(float eta, boolean cfgPp) implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    @Nullable Tensor old = null;
    float oldDown = 0f;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Denoised denoised = run.denoise(x, sigma);
      Tensor guided = denoised.guided();
      Tensor base = cfgPp ? denoised.requireUnconditional() : guided;
      Ancestral step = Ancestral.step(sigma, sigmas[i + 1], eta);
      Tensor y;
      if (step.down() == 0f) {
        y = guided;
      } else if (old == null) {
        y = Combine.along(ops, guided, step.down(), Combine.slope(ops, x, base, sigma));
      } else {
        float t = F32.lambda(sigma);
        float h = F32.lambda(step.down()) - t;
        float c2 = (F32.lambda(sigmas[i - 1]) - F32.lambda(oldDown)) / h;
        float phi1 = F32.expm1(-h) / -h;
        float phi2 = (phi1 - 1f) / -h;
        float b1 = orZero(phi1 - phi2 / c2);
        float b2 = orZero(phi2 / c2);
        Tensor from = cfgPp ? ops.add(x, Combine.difference(ops, guided, base)) : x;
        y = ops.linearCombination(F32.exp(-h), from, h * b1, base);
        y = Combine.along(ops, y, h * b2, old);
      }
      boolean noisy = sigmas[i + 1] > 0f && eta > 0f;
      x = noisy ? Combine.along(ops, y, step.up(), run.noise(x)) : y;
      old = base;
      oldDown = step.down();
    }
    return x;
  }

  private static float orZero(float value) {
    return Float.isNaN(value) ? 0f : value;
  }
}
