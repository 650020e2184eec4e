package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * SDE-DPM-Solver++(2S), r = 1/2, with Brownian noise at the midpoint and the end. Source: Lu et al.
 * 2022, "DPM-Solver++", algorithm 1; k-diffusion {@code sample_dpmpp_sde}.
 */
final class DpmppSde implements Sampler {
  private static final float R = 0.5f;

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
      float tMiddle = t + R * (run.lambda(next) - t);
      float middle = run.sigmaAt(tMiddle);
      float signal = run.signal(sigma);

      // Steps are split where the signal is 1: the noise's deviation there is e^-lambda.
      Ancestral half = Ancestral.step(F32.exp(-t), F32.exp(-tMiddle));
      float h = F32.lambda(half.down()) - t;
      float share = run.signal(middle);
      Tensor y =
          ops.linearCombination(share / signal * F32.exp(-h), x, -share * F32.expm1(-h), denoised);
      y = Combine.along(ops, y, share * half.up(), run.brownian(x, sigma, middle));
      Tensor denoisedHalf = run.guided(y, middle);

      // With r = 1/2 the two predictions combine to the second one alone.
      Ancestral whole = Ancestral.step(F32.exp(-t), F32.exp(-run.lambda(next)));
      h = F32.lambda(whole.down()) - t;
      share = run.signal(next);
      y =
          ops.linearCombination(
              share / signal * F32.exp(-h), x, -share * F32.expm1(-h), denoisedHalf);
      x = Combine.along(ops, y, share * whole.up(), run.brownian(x, sigma, next));
    }
    return x;
  }
}
