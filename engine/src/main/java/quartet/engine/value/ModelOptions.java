package quartet.engine.value;

import java.util.Optional;

/**
 * How a model is sampled where that differs from what its file says.
 *
 * @param sampling what its output is taken for
 * @param rescaleCfg share by which the guided prediction's deviation is brought back to the
 *     conditional one's
 * @param perturbedAttention how far the prediction is pushed away from one with a perturbed middle
 * @param perpNeg a negative prompt whose part along the positive one does not count
 */
public record ModelOptions(
    Optional<SamplingChoice> sampling,
    Optional<Double> rescaleCfg,
    Optional<Double> perturbedAttention,
    Optional<PerpNegChoice> perpNeg) {
  /** As the file says. */
  public static final ModelOptions NONE =
      new ModelOptions(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** What the network's output is taken for. */
  public enum Output {
    /** The noise. */
    EPS,
    /** The velocity. */
    V_PREDICTION,
    /** Noise, from a model distilled to few steps. */
    LCM,
    /** The clean latent. */
    X0
  }

  /**
   * Another parameterisation.
   *
   * @param zeroTerminalSnr whether the noisiest step holds no signal
   */
  public record SamplingChoice(Output output, boolean zeroTerminalSnr) {}

  /** See {@link #perpNeg}. */
  public record PerpNegChoice(Conditioning empty, double scale) {}

  /** The same with another parameterisation. */
  public ModelOptions withSampling(SamplingChoice choice) {
    return new ModelOptions(Optional.of(choice), rescaleCfg, perturbedAttention, perpNeg);
  }

  /** The same with rescaled guidance. */
  public ModelOptions withRescaleCfg(double multiplier) {
    return new ModelOptions(sampling, Optional.of(multiplier), perturbedAttention, perpNeg);
  }

  /** The same with perturbed-attention guidance. */
  public ModelOptions withPerturbedAttention(double scale) {
    return new ModelOptions(sampling, rescaleCfg, Optional.of(scale), perpNeg);
  }

  /** The same with a perpendicular negative prompt. */
  public ModelOptions withPerpNeg(PerpNegChoice choice) {
    return new ModelOptions(sampling, rescaleCfg, perturbedAttention, Optional.of(choice));
  }
}
