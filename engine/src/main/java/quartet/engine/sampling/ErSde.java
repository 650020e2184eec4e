package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Extended reverse-time SDE solver of third order. Source: Cui et al. 2023, "Elucidating the
 * solution space of extended reverse-time SDE for diffusion models", algorithm 3 with noise scale
 * {@code x (e^(x^0.3) + 10)}.
 */
final class ErSde implements Sampler {
  private static final int POINTS = 200;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = run.withSignal(given);
    Tensor x = start;
    @Nullable Tensor old = null;
    @Nullable Tensor oldFirst = null;
    float[] levels = new float[sigmas.length]; // noise beside a signal of 1
    for (int i = 0; i < sigmas.length; i++) {
      levels[i] = sigmas[i] / run.signal(sigmas[i]);
    }
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = levels[i];
      float next = levels[i + 1];
      Tensor denoised = run.guided(x, sigmas[i]);
      if (next == 0f) {
        return denoised;
      }
      float share = run.signal(sigmas[i + 1]);
      float ratio = scale(next) / scale(sigma);
      float kept = share / run.signal(sigmas[i]) * ratio;
      Tensor y = ops.linearCombination(kept, x, share * (1f - ratio), denoised);
      float dt = next - sigma;
      float step = -dt / POINTS;
      if (old != null) {
        float sum1 = 0f;
        float sum2 = 0f;
        for (int m = 0; m < POINTS; m++) {
          float at = next + m * step;
          sum1 += 1f / scale(at);
          sum2 += (at - sigma) / scale(at);
        }
        float since = 1f / (sigma - levels[i - 1]);
        Tensor first = ops.linearCombination(since, denoised, -since, old);
        y = Combine.along(ops, y, share * (dt + sum1 * step * scale(next)), first);
        if (oldFirst != null) {
          float since2 = 2f / (sigma - levels[i - 2]);
          Tensor second = ops.linearCombination(since2, first, -since2, oldFirst);
          y = Combine.along(ops, y, share * (dt * dt / 2f + sum2 * step * scale(next)), second);
        }
        oldFirst = first;
      }
      float variance = next * next - sigma * sigma * ratio * ratio;
      float deviation = variance > 0f ? F32.sqrt(variance) : 0f;
      x = Combine.along(ops, y, share * deviation, run.noise(x));
      old = denoised;
    }
    return x;
  }

  private static float scale(float x) {
    return x * (F32.exp((float) Math.pow(x, 0.3)) + 10f);
  }
}
