package quartet.engine.sampling;

import java.util.List;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/** SEEDS-3: two inner points. Source: Gonzalez et al. 2023, "SEEDS", algorithm 3. */
final class Seeds3 implements Sampler {
  private static final float R1 = (float) (1.0 / 3);
  private static final float R2 = (float) (2.0 / 3);

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
      float he = 2f * h;
      float sigma1 = run.sigmaAt(t + R1 * h);
      float sigma2 = run.sigmaAt(t + R2 * h);

      float kept = sigma1 / sigma * F32.exp(-R1 * h);
      Tensor y =
          ops.linearCombination(kept, x, -run.signal(sigma1) * F32.expm1(-R1 * he), denoised);
      Tensor noise = ops.affine(run.noise(x), F32.sqrt(-F32.expm1(-2f * R1 * h)), 0f);
      Tensor denoised1 = run.guided(Combine.along(ops, y, sigma1, noise), sigma1);

      float c2 = R2 / R1 * phi2(-R2 * he);
      float c1 = F32.expm1(-R2 * he) - c2;
      float share = run.signal(sigma2);
      float[] weights = {sigma2 / sigma * F32.exp(-R2 * h), -share * c1, -share * c2};
      y = Combine.sum(ops, weights, List.of(x, denoised, denoised1));
      noise = carry(ops, noise, (R1 - R2) * h, run.noise(x));
      Tensor denoised2 = run.guided(Combine.along(ops, y, sigma2, noise), sigma2);

      float b3 = phi2(-he) / R2;
      float b1 = F32.expm1(-he) - b3;
      share = run.signal(next);
      weights = new float[] {next / sigma * F32.exp(-h), -share * b1, -share * b3};
      y = Combine.sum(ops, weights, List.of(x, denoised, denoised2));
      noise = carry(ops, noise, (R2 - 1f) * h, run.noise(x));
      x = Combine.along(ops, y, next, noise);
    }
    return x;
  }

  private static float phi2(float x) {
    return (F32.expm1(x) - x) / x;
  }

  /** The noise so far, decayed, and as much fresh one as keeps the process. */
  private static Tensor carry(Ops ops, Tensor noise, float g, Tensor fresh) {
    return ops.linearCombination(F32.exp(g), noise, F32.sqrt(-F32.expm1(2f * g)), fresh);
  }
}
