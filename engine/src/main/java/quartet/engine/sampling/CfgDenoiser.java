package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import quartet.engine.model.NoiseProcess;
import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelOptions;
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

  private final Predictions predictions;
  private final NoiseProcess process;
  private final ModelOptions options;
  private final Guidance guidance;
  private final List<List<PlacedEntry>> lists;
  private final boolean needsNegative;
  private final boolean alwaysUnconditional;

  /**
   * A denoiser for one run.
   *
   * @param alwaysUnconditional compute the negative prediction at any guidance
   */
  CfgDenoiser(RunSetup setup, Guidance guidance, boolean alwaysUnconditional) {
    this.process = setup.model().schedule().process();
    this.options = setup.model().options();
    this.guidance = guidance;
    this.predictions = new Predictions(setup);
    this.lists = lists(guidance, options, setup.latent());
    this.alwaysUnconditional = alwaysUnconditional;
    this.needsNegative =
        lists.size() > 1 && (alwaysUnconditional || needsNegative(guidance) || !plain(options));
  }

  private static boolean plain(ModelOptions options) {
    return options.rescaleCfg().isEmpty()
        && options.perpNeg().isEmpty()
        && options.selfAttention().isEmpty();
  }

  private static boolean needsNegative(Guidance guidance) {
    return switch (guidance) {
      case Guidance.Cfg cfg ->
          Math.abs(cfg.scale() - 1) > CLOSE * Math.max(Math.abs(cfg.scale()), 1);
      case Guidance.Single ignored -> false;
      case Guidance.Dual ignored -> true;
      case Guidance.PerpNeg ignored -> true;
    };
  }

  /** Positive, negative, and whatever else the guidance asks about. */
  private static List<List<PlacedEntry>> lists(
      Guidance guidance, ModelOptions options, LatentBatch latent) {
    List<List<PlacedEntry>> lists = new ArrayList<>();
    switch (guidance) {
      case Guidance.Cfg cfg -> {
        lists.add(PlacedEntry.of(cfg.positive(), latent, false));
        lists.add(PlacedEntry.of(cfg.negative(), latent, true));
        options
            .perpNeg()
            .ifPresent(choice -> lists.add(PlacedEntry.of(choice.empty(), latent, true)));
      }
      case Guidance.Single single -> lists.add(PlacedEntry.of(single.positive(), latent, false));
      case Guidance.Dual dual -> {
        lists.add(PlacedEntry.of(dual.first(), latent, false));
        lists.add(PlacedEntry.of(dual.negative(), latent, true));
        lists.add(PlacedEntry.of(dual.second(), latent, false));
      }
      case Guidance.PerpNeg perp -> {
        lists.add(PlacedEntry.of(perp.positive(), latent, false));
        lists.add(PlacedEntry.of(perp.negative(), latent, true));
        lists.add(PlacedEntry.of(perp.empty(), latent, true));
      }
    }
    if (lists.size() > 1) {
      List<PlacedEntry> positive = lists.get(0);
      List<PlacedEntry> negative = lists.get(1);
      lists.set(0, PlacedEntry.withCounterparts(positive, negative));
      lists.set(
          1,
          PlacedEntry.withSharedControls(
              PlacedEntry.withCounterparts(negative, positive), positive));
    }
    return lists;
  }

  @Override
  public Denoised denoise(TensorScope scope, Tensor x, float sigma) {
    try (TensorScope call = scope.child("denoise")) {
      List<List<PlacedEntry>> asked = needsNegative ? lists : lists.subList(0, 1);
      Predictions.Look look =
          needsNegative && options.selfAttention().isPresent()
              ? Predictions.Look.WATCHED
              : Predictions.Look.PLAIN;
      List<Tensor> means = predictions.of(call, x, sigma, asked, look);
      Ops ops = call.ops();
      Tensor conditional = means.getFirst();
      Tensor guided = needsNegative ? guided(ops, x, sigma, means) : conditional;
      guided = perturbed(call, x, sigma, conditional, guided);
      if (!needsNegative) {
        // Without a negative prompt its prediction counts as zeros. Source: ComfyUI (behaviour).
        return new Denoised(
            call.handOver(guided),
            alwaysUnconditional ? call.handOver(ops.affine(x, 0f, 0f)) : null);
      }
      Tensor unconditional = means.get(1);
      guided = selfAttention(call, x, sigma, unconditional, guided);
      return new Denoised(call.handOver(guided), call.handOver(unconditional));
    }
  }

  private Tensor guided(Ops ops, Tensor x, float sigma, List<Tensor> means) {
    return switch (guidance) {
      case Guidance.Cfg cfg -> {
        float scale = (float) cfg.scale();
        Optional<ModelOptions.PerpNegChoice> perp = options.perpNeg();
        if (perp.isPresent()) {
          yield PerpendicularNegative.combine(ops, means, scale, (float) perp.get().scale());
        }
        if (options.rescaleCfg().isPresent()) {
          float share = options.rescaleCfg().get().floatValue();
          yield switch (process) {
            case EXPLODING ->
                RescaledGuidance.combine(ops, x, sigma, means.get(0), means.get(1), scale, share);
            case FLOW ->
                RescaledGuidance.combineClean(ops, means.get(0), means.get(1), scale, share);
          };
        }
        yield push(ops, means.get(1), scale, means.get(0));
      }
      case Guidance.Single ignored -> means.getFirst();
      case Guidance.Dual dual when dual.nested() -> {
        Tensor inner = push(ops, means.get(2), (float) dual.firstScale(), means.get(0));
        yield push(ops, means.get(1), (float) dual.secondScale(), inner);
      }
      case Guidance.Dual dual -> {
        Tensor middle = push(ops, means.get(1), (float) dual.secondScale(), means.get(2));
        Tensor rest = Combine.difference(ops, means.get(0), means.get(2));
        yield Combine.along(ops, middle, (float) dual.firstScale(), rest);
      }
      case Guidance.PerpNeg perp ->
          PerpendicularNegative.combine(
              ops, means, (float) perp.scale(), (float) perp.negativeScale());
    };
  }

  private static Tensor push(Ops ops, Tensor from, float scale, Tensor towards) {
    return Combine.along(ops, from, scale, Combine.difference(ops, towards, from));
  }

  /** Source: Ahn et al. 2024, "Self-Rectifying Diffusion Sampling", eq. 8. */
  private Tensor perturbed(
      TensorScope call, Tensor x, float sigma, Tensor conditional, Tensor guided) {
    double scale = options.perturbedAttention().orElse(0.0);
    if (scale == 0) {
      return guided;
    }
    Tensor worse =
        predictions.of(call, x, sigma, lists.subList(0, 1), Predictions.Look.PERTURBED).getFirst();
    Tensor push = Combine.difference(call.ops(), conditional, worse);
    return Combine.along(call.ops(), guided, (float) scale, push);
  }

  /** Source: Hong et al. 2023, "Self-Attention Guidance", eq. 15. */
  private Tensor selfAttention(
      TensorScope call, Tensor x, float sigma, Tensor unconditional, Tensor guided) {
    float[][] seen = predictions.attention();
    if (options.selfAttention().isEmpty()
        || seen.length == 0
        || Math.min(x.dim(1), x.dim(2)) <= SelfAttentionGuidance.TOO_SMALL) {
      return guided;
    }
    ModelOptions.SelfAttentionChoice choice = options.selfAttention().get();
    Ops ops = call.ops();
    Tensor degraded = SelfAttentionGuidance.blurred(ops, unconditional, seen, choice.blurSigma());
    Tensor noised = ops.add(degraded, Combine.difference(ops, x, unconditional));
    Tensor worse =
        predictions.of(call, noised, sigma, lists.subList(1, 2), Predictions.Look.PLAIN).getFirst();
    Tensor push = Combine.difference(ops, degraded, worse);
    return Combine.along(ops, guided, (float) choice.scale(), push);
  }
}
