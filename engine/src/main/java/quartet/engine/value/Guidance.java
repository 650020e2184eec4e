package quartet.engine.value;

/** What a run is steered by. */
public sealed interface Guidance {
  /** Towards one text, away from another. At a scale of 1 the other is not computed. */
  record Cfg(Conditioning positive, Conditioning negative, double scale) implements Guidance {}

  /** One text, taken as it is. */
  record Single(Conditioning positive) implements Guidance {}

  /**
   * Towards two texts: from the negative one to the second by one scale, from the second to the
   * first by another. Source: Brooks et al. 2023, "InstructPix2Pix", eq. 3; ComfyUI (behaviour).
   *
   * @param nested whether the second scale is applied to what the first one gave
   */
  record Dual(
      Conditioning first,
      Conditioning second,
      Conditioning negative,
      double firstScale,
      double secondScale,
      boolean nested)
      implements Guidance {}

  /**
   * Away from that part of the negative text which is perpendicular to the positive one. Source:
   * Armandpour et al. 2023, "Re-imagine the Negative Prompt Algorithm", section 4.
   */
  record PerpNeg(
      Conditioning positive,
      Conditioning negative,
      Conditioning empty,
      double scale,
      double negativeScale)
      implements Guidance {}
}
