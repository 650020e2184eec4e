package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Euler's method with fresh noise in each step. Source: k-diffusion {@code sample_euler_ancestral}.
 */
final class EulerAncestral implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Tensor denoised = run.guided(x, sigma);
      Ancestral step = Ancestral.step(run.process(), sigma, sigmas[i + 1], 1f);
      if (step.down() == 0f) {
        x = denoised;
      } else {
        Tensor slope = Combine.slope(ops, x, denoised, sigma);
        x = Combine.along(ops, x, step.down() - sigma, slope);
        x = ops.linearCombination(step.keep(), x, step.up(), run.noise(x));
      }
    }
    return x;
  }
}
