package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.value.Conditioning;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Classifier-free guidance: the prediction under the prompt, pushed away from the one under the
 * negative prompt. Source: Ho and Salimans 2022, eq. 6, in terms of the clean latent.
 *
 * <p>Owner: of the prepared prompts, in the run's scope.
 */
final class CfgDenoiser implements Denoiser {
  /** Guidance this near to 1 needs no negative prediction. Source: Python {@code math.isclose}. */
  private static final double CLOSE = 1e-9;

  private final DiffusionModel model;
  private final TensorScope runScope;
  private final List<Conditioning.Entry> positive;
  private final List<Conditioning.Entry> negative;
  private final float cfg;
  private final boolean needsNegative;
  private final Map<List<Conditioning.Entry>, List<PromptBatch>> prepared = new HashMap<>();

  /**
   * A denoiser for one run.
   *
   * @param runScope stays open for the run
   * @param alwaysUnconditional compute the negative prediction at any guidance
   */
  CfgDenoiser(
      DiffusionModel model,
      TensorScope runScope,
      Conditioning positive,
      Conditioning negative,
      double cfg,
      boolean alwaysUnconditional) {
    this.model = model;
    this.runScope = runScope;
    this.positive = positive.entries();
    this.negative = negative.entries();
    this.cfg = (float) cfg;
    this.needsNegative =
        alwaysUnconditional || Math.abs(cfg - 1) > CLOSE * Math.max(Math.abs(cfg), 1);
  }

  @Override
  public Denoised denoise(TensorScope scope, Tensor x, float sigma) {
    List<Conditioning.Entry> wanted = active(positive, sigma);
    List<Conditioning.Entry> unwanted = needsNegative ? active(negative, sigma) : List.of();
    try (TensorScope call = scope.child("denoise")) {
      Map<Conditioning.Entry, Tensor> predictions = predict(call, x, sigma, wanted, unwanted);
      Ops ops = call.ops();
      Tensor conditional = mean(ops, x, wanted, predictions);
      if (!needsNegative) {
        return new Denoised(call.handOver(conditional), null);
      }
      Tensor unconditional = mean(ops, x, unwanted, predictions);
      Tensor push = Combine.difference(ops, conditional, unconditional);
      Tensor guided = Combine.along(ops, unconditional, cfg, push);
      return new Denoised(call.handOver(guided), call.handOver(unconditional));
    }
  }

  private Map<Conditioning.Entry, Tensor> predict(
      TensorScope scope,
      Tensor x,
      float sigma,
      List<Conditioning.Entry> wanted,
      List<Conditioning.Entry> unwanted) {
    List<Conditioning.Entry> all = new ArrayList<>(wanted);
    all.addAll(unwanted);
    List<PromptBatch> batches =
        prepared.computeIfAbsent(
            all, entries -> PromptBatch.of(entries, model, runScope, x.dim(0)));
    Ops ops = scope.ops();
    // The networks want input of variance 1. Source: Karras et al. 2022, table 1, c_in.
    Tensor scaled = ops.affine(x, 1f / F32.sqrt(sigma * sigma + 1f), 0f);
    Map<Conditioning.Entry, Tensor> predictions = new HashMap<>();
    for (PromptBatch batch : batches) {
      Tensor input = scaled;
      for (int n = 1; n < batch.entries().size(); n++) {
        input = ops.concatFirst(input, scaled); // [n*B, H, W, C]
      }
      float[] timesteps = new float[input.dim(0)];
      Arrays.fill(timesteps, model.schedule().timestep(sigma));
      Tensor output = model.predict(scope, input, timesteps, batch.context());
      for (int n = 0; n < batch.entries().size(); n++) {
        Tensor part = ops.sliceFirst(output, n * x.dim(0), (n + 1) * x.dim(0));
        predictions.put(batch.entries().get(n), clean(ops, x, part, sigma));
      }
    }
    return predictions;
  }

  private Tensor clean(Ops ops, Tensor x, Tensor output, float sigma) {
    return switch (model.prediction()) {
      case EPSILON -> ops.linearCombination(1f, x, -sigma, output);
      case VELOCITY -> {
        float variance = sigma * sigma + 1f;
        yield ops.linearCombination(1f / variance, x, -sigma / F32.sqrt(variance), output);
      }
    };
  }

  /** Mean by strength; zeros where no entry acts. */
  private static Tensor mean(
      Ops ops,
      Tensor x,
      List<Conditioning.Entry> entries,
      Map<Conditioning.Entry, Tensor> predictions) {
    float total = 0;
    for (Conditioning.Entry entry : entries) {
      total += entry.strength();
    }
    if (total == 0) {
      return ops.affine(x, 0f, 0f);
    }
    if (entries.size() == 1) {
      return require(predictions.get(entries.getFirst()));
    }
    float[] weights = new float[entries.size()];
    List<Tensor> terms = new ArrayList<>();
    for (int i = 0; i < weights.length; i++) {
      weights[i] = entries.get(i).strength() / total;
      terms.add(require(predictions.get(entries.get(i))));
    }
    return Combine.sum(ops, weights, terms);
  }

  private static Tensor require(@Nullable Tensor prediction) {
    if (prediction == null) {
      throw new IllegalStateException("an entry was not predicted");
    }
    return prediction;
  }

  private List<Conditioning.Entry> active(List<Conditioning.Entry> entries, float sigma) {
    NoiseSchedule schedule = model.schedule();
    return entries.stream()
        .filter(
            entry ->
                sigma <= schedule.percentToSigma(entry.startPercent())
                    && sigma >= schedule.percentToSigma(entry.endPercent()))
        .toList();
  }
}
