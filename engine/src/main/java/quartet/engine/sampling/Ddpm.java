package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * The original ancestral sampler, in variance-preserving terms. Source: Ho et al. 2020, algorithm
 * 2.
 *
 * <p>On a rectified flow it takes sigma for noise beside a signal of 1 all the same, which adds too
 * much noise: what ComfyUI does, so that a seed gives its picture (behaviour).
 */
final class Ddpm implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor noise = Combine.slope(ops, x, run.guided(x, sigma), sigma);
      float cumulative = 1f / (sigma * sigma + 1f);
      float cumulativeNext = 1f / (next * next + 1f);
      float alpha = cumulative / cumulativeNext;
      float root = F32.sqrt(1f / alpha);
      Tensor z =
          ops.linearCombination(
              root / F32.sqrt(1f + sigma * sigma),
              x,
              -root * (1f - alpha) / F32.sqrt(1f - cumulative),
              noise);
      if (next > 0f) {
        float deviation = F32.sqrt((1f - alpha) * (1f - cumulativeNext) / (1f - cumulative));
        z = Combine.along(ops, z, deviation, run.noise(x));
        z = ops.affine(z, F32.sqrt(1f + next * next), 0f);
      }
      x = z;
    }
    return x;
  }
}
