package quartet.engine.value;

import java.util.Optional;

/**
 * How a model is sampled where that differs from what its file says.
 *
 * @param sampling what its output is taken for, and at which noise levels
 * @param rescaleCfg share by which the guided prediction's deviation is brought back to the
 *     conditional one's
 * @param perturbedAttention how far the prediction is pushed away from one with a perturbed middle
 * @param perpNeg a negative prompt whose part along the positive one does not count
 * @param selfAttention a push away from a prediction of a picture blurred where the network looks
 * @param freeU what is done to the upward half of the network
 * @param hyperTile self-attention in tiles
 */
public record ModelOptions(
    Optional<SamplingChoice> sampling,
    Optional<Double> rescaleCfg,
    Optional<Double> perturbedAttention,
    Optional<PerpNegChoice> perpNeg,
    Optional<SelfAttentionChoice> selfAttention,
    Optional<FreeU> freeU,
    Optional<HyperTile> hyperTile) {
  /** As the file says. */
  public static final ModelOptions NONE =
      new ModelOptions(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  /** What the network's output is taken for. */
  public enum Output {
    /** The noise. */
    EPS,
    /** The velocity. */
    V_PREDICTION,
    /** Noise, from a model distilled to few steps. */
    LCM,
    /** The clean latent. */
    X0,
    /** The clean latent, from an input as it is. */
    IMG_TO_IMG
  }

  /** Another parameterisation. */
  public sealed interface SamplingChoice {
    /**
     * Stable Diffusion's noise levels.
     *
     * @param zeroTerminalSnr whether the noisiest step holds no signal
     */
    record Discrete(Output output, boolean zeroTerminalSnr) implements SamplingChoice {}

    /**
     * A rectified flow with the time shift of Stable Diffusion 3.
     *
     * @param shift 1 leaves time as it is
     * @param multiplier what the network is told at full noise
     */
    record Flow(double shift, double multiplier) implements SamplingChoice {}

    /**
     * A rectified flow with the time shift of Flux.
     *
     * @param mu 0 leaves time as it is
     */
    record FluxFlow(double mu) implements SamplingChoice {}
  }

  /** See {@link #perpNeg}. */
  public record PerpNegChoice(Conditioning empty, double scale) {}

  /**
   * Self-attention guidance. Source: Hong et al. 2023, "Improving Sample Quality of Diffusion
   * Models Using Self-Attention Guidance".
   *
   * @param scale how far the prediction is pushed
   * @param blurSigma deviation of the blur, in latent pixels
   */
  public record SelfAttentionChoice(double scale, double blurSigma) {}

  /**
   * FreeU. Source: Si et al. 2023, "FreeU: Free Lunch in Diffusion U-Net".
   *
   * @param b1 factor of hidden channels in blocks four times as wide as the first
   * @param b2 the same in blocks twice as wide
   * @param s1 factor of the lowest frequencies of what is looked back at, four times as wide
   * @param s2 the same, twice as wide
   * @param byMean whether the factor follows the channels' mean, as in the second version
   */
  public record FreeU(double b1, double b2, double s1, double s2, boolean byMean) {}

  /**
   * Self-attention in tiles. Source: tfernd/HyperTile.
   *
   * @param tileSize smallest extent of a tile, in pixels
   * @param swapSize how many sizes of tiles take turns
   * @param maxDepth how many halvings of the picture are tiled beside the whole
   * @param scaleDepth whether tiles cover more of the picture there
   */
  public record HyperTile(int tileSize, int swapSize, int maxDepth, boolean scaleDepth) {}

  /** The same with another parameterisation. */
  public ModelOptions withSampling(SamplingChoice choice) {
    return new ModelOptions(
        Optional.of(choice),
        rescaleCfg,
        perturbedAttention,
        perpNeg,
        selfAttention,
        freeU,
        hyperTile);
  }

  /** The same with rescaled guidance. */
  public ModelOptions withRescaleCfg(double multiplier) {
    return new ModelOptions(
        sampling,
        Optional.of(multiplier),
        perturbedAttention,
        perpNeg,
        selfAttention,
        freeU,
        hyperTile);
  }

  /** The same with perturbed-attention guidance. */
  public ModelOptions withPerturbedAttention(double scale) {
    return new ModelOptions(
        sampling, rescaleCfg, Optional.of(scale), perpNeg, selfAttention, freeU, hyperTile);
  }

  /** The same with a perpendicular negative prompt. */
  public ModelOptions withPerpNeg(PerpNegChoice choice) {
    return new ModelOptions(
        sampling,
        rescaleCfg,
        perturbedAttention,
        Optional.of(choice),
        selfAttention,
        freeU,
        hyperTile);
  }

  /** The same with self-attention guidance. */
  public ModelOptions withSelfAttention(SelfAttentionChoice choice) {
    return new ModelOptions(
        sampling, rescaleCfg, perturbedAttention, perpNeg, Optional.of(choice), freeU, hyperTile);
  }

  /** The same with FreeU. */
  public ModelOptions withFreeU(FreeU choice) {
    return new ModelOptions(
        sampling,
        rescaleCfg,
        perturbedAttention,
        perpNeg,
        selfAttention,
        Optional.of(choice),
        hyperTile);
  }

  /** The same with attention in tiles. */
  public ModelOptions withHyperTile(HyperTile choice) {
    return new ModelOptions(
        sampling,
        rescaleCfg,
        perturbedAttention,
        perpNeg,
        selfAttention,
        freeU,
        Optional.of(choice));
  }
}
