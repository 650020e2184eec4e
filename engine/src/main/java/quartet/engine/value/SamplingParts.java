package quartet.engine.value;

/** The parts of a sampling run as nodes hand them on. */
public final class SamplingParts {
  private SamplingParts() {}

  /** A SAMPLER, by the name that workflows use. */
  public record SamplerChoice(String name) {}

  /**
   * SIGMAS: noise levels to walk.
   *
   * @param values falling, the last one usually 0; not to be written to
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  public record Sigmas(float[] values) {}

  /**
   * A NOISE.
   *
   * @param seed unsigned, all 64 bits
   * @param drawn false for none at the start
   */
  public record NoiseChoice(long seed, boolean drawn) {}

  /** A GUIDER: a model and what steers it. */
  public record Guider(ModelRefs.ModelRef model, Guidance guidance) {}
}
