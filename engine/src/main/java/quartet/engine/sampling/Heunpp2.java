package quartet.engine.sampling;

import java.util.List;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Heun's method with up to three slopes, weighted by their sigmas. Source: Carlos Chuang and
 * others, ComfyUI {@code sample_heunpp2} (behaviour).
 */
final class Heunpp2 implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    float end = sigmas[sigmas.length - 1];
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      float h = next - sigma;
      Tensor slope1 = Combine.slope(ops, x, run.guided(x, sigma), sigma);
      Tensor there = Combine.along(ops, x, h, slope1);
      if (next == end) {
        x = there;
        continue;
      }
      Tensor slope2 = Combine.slope(ops, there, run.guided(there, next), next);
      float after = sigmas[i + 2];
      if (after == end) {
        float w2 = next / (2f * sigmas[0]);
        Tensor mean = ops.linearCombination(1f - w2, slope1, w2, slope2);
        x = Combine.along(ops, x, h, mean);
      } else {
        Tensor further = Combine.along(ops, there, after - next, slope2);
        Tensor slope3 = Combine.slope(ops, further, run.guided(further, after), after);
        float w2 = next / (3f * sigmas[0]);
        float w3 = after / (3f * sigmas[0]);
        float[] weights = {1f - w2 - w3, w2, w3};
        Tensor mean = Combine.sum(ops, weights, List.of(slope1, slope2, slope3));
        x = Combine.along(ops, x, h, mean);
      }
    }
    return x;
  }
}
