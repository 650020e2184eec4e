package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * UniPC of order 3 on predictions of the clean latent: predictor, then corrector from the same
 * model call. Source: Zhao et al. 2023, "UniPC", algorithms 1 and 2; order lowered at the end as in
 * its published code.
 *
 * <p>Works on {@code y = x / sqrt(1 + sigma^2)} (variance preserving). A single step only has a
 * first prediction and no update, as in the published code: the result is the noise it began with.
 *
 * @param b which of the paper's two functions B(h)
 */
record UniPc(Variant b) implements Sampler {
  private static final int MAX_ORDER = 3;

  /** Stands for a last sigma of 0, whose log would be infinite. Source: ComfyUI (behaviour). */
  private static final float LAST_SIGMA = 0.001f;

  /** B(h) of the paper's section 3.1. */
  enum Variant {
    /** B(h) = h. */
    BH1,
    /** B(h) = e^h - 1. */
    BH2
  }

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = given.clone();
    int steps = sigmas.length - 1;
    if (sigmas[steps] == 0f) {
      sigmas[steps] = LAST_SIGMA;
    }
    int order = Math.min(MAX_ORDER, steps - 1);
    Ops ops = run.beginStep();
    Tensor y = ops.affine(start, 1f / F32.sqrt(1f + sigmas[0] * sigmas[0]), 0f);
    List<Known> known = new ArrayList<>(); // newest last
    known.add(new Known(sigmas[0], predict(run, ops, y, sigmas[0])));
    for (int i = 1; i < steps; i++) {
      int updates = i < order || i < steps - 1 ? 1 : 2; // the last one also goes to the end
      for (int target = i; target < i + updates; target++) {
        int now = i < order ? i : Math.min(order, steps + 1 - target);
        ops = run.beginStep();
        Update update = new Update(ops, y, known, sigmas[target], now);
        y = update.predicted();
        if (target < steps) {
          Tensor denoised = predict(run, ops, y, sigmas[target]);
          y = update.corrected(denoised);
          known.add(new Known(sigmas[target], denoised));
        }
        if (known.size() > MAX_ORDER) {
          known.removeFirst();
        }
      }
    }
    return ops.affine(y, 1f / alpha(sigmas[steps]), 0f);
  }

  /** A prediction of the clean latent and where it was made. */
  private record Known(float sigma, Tensor denoised) {}

  /** The model at {@code y}, in terms of y. */
  private static Tensor predict(SamplerRun run, Ops ops, Tensor y, float sigma) {
    Tensor x = ops.affine(y, F32.sqrt(sigma * sigma + 1f), 0f);
    Tensor noise = Combine.slope(ops, x, run.guided(x, sigma), sigma);
    return ops.linearCombination(1f / alpha(sigma), y, -deviation(sigma) / alpha(sigma), noise);
  }

  private static float logAlpha(float sigma) {
    return 0.5f * F32.log(1f / (sigma * sigma + 1f));
  }

  private static float alpha(float sigma) {
    return F32.exp(logAlpha(sigma));
  }

  private static float deviation(float sigma) {
    return F32.sqrt(1f - F32.exp(2f * logAlpha(sigma)));
  }

  private static float lambda(float sigma) {
    float log = logAlpha(sigma);
    return log - 0.5f * F32.log(1f - F32.exp(2f * log));
  }

  /** One update to a sigma: everything the predictor and the corrector share. */
  private final class Update {
    private final Ops ops;
    private final int order;
    private final Tensor newest;
    private final Tensor base;
    private final float factor;
    private final List<Tensor> differences = new ArrayList<>();
    private final double[][] powers;
    private final double[] moments;

    Update(Ops ops, Tensor y, List<Known> known, float target, int order) {
      this.ops = ops;
      this.order = order;
      Known last = known.getLast();
      newest = last.denoised();
      float h = lambda(target) - lambda(last.sigma());
      double[] ratios = new double[order];
      for (int k = 1; k < order; k++) {
        Known earlier = known.get(known.size() - 1 - k);
        float r = (lambda(earlier.sigma()) - lambda(last.sigma())) / h;
        ratios[k - 1] = r;
        differences.add(ops.linearCombination(1f / r, earlier.denoised(), -1f / r, newest));
      }
      ratios[order - 1] = 1;
      float hh = -h;
      float bh = b == Variant.BH1 ? hh : F32.expm1(hh);
      double exactB = b == Variant.BH1 ? hh : Math.expm1(hh);
      powers = new double[order][order];
      moments = new double[order];
      double phi = Math.expm1(hh) / hh - 1;
      double factorial = 1;
      for (int k = 0; k < order; k++) {
        for (int j = 0; j < order; j++) {
          powers[k][j] = Math.pow(ratios[j], k);
        }
        moments[k] = phi * factorial / exactB;
        factorial *= k + 2;
        phi = phi / hh - 1 / factorial;
      }
      base =
          ops.linearCombination(
              deviation(target) / deviation(last.sigma()),
              y,
              -alpha(target) * F32.expm1(hh),
              newest);
      factor = -alpha(target) * bh;
    }

    Tensor predicted() {
      return switch (order) {
        case 1 -> base;
        case 2 -> Combine.along(ops, base, factor * 0.5f, differences.getFirst());
        default -> {
          double[][] smaller = new double[order - 1][];
          for (int k = 0; k < order - 1; k++) {
            smaller[k] = Arrays.copyOf(powers[k], order - 1);
          }
          yield withDifferences(LinearSystem.solve(smaller, Arrays.copyOf(moments, order - 1)));
        }
      };
    }

    Tensor corrected(Tensor denoised) {
      double[] rho = order == 1 ? new double[] {0.5} : LinearSystem.solve(powers, moments);
      Tensor change = Combine.difference(ops, denoised, newest);
      return Combine.along(ops, withDifferences(rho), factor * (float) rho[order - 1], change);
    }

    private Tensor withDifferences(double[] rho) {
      Tensor y = base;
      for (int k = 0; k < differences.size(); k++) {
        y = Combine.along(ops, y, factor * (float) rho[k], differences.get(k));
      }
      return y;
    }
  }
}
