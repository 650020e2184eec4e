package quartet.engine.value;

/**
 * Masks of one size, {@code [B, H, W]} in 0..1; 1 is where something happens.
 *
 * @param values {@code batch*height*width} floats; not to be written to
 */
@SuppressWarnings(
    "ArrayRecordComponent") // identity is enough: values are never compared, only passed on
public record MaskBatch(float[] values, int batch, int height, int width) {
  /** Checks the length. */
  public MaskBatch {
    if (values.length != (long) batch * height * width) {
      throw new IllegalArgumentException(
          "mask [%d, %d, %d] needs %d values, got %d"
              .formatted(batch, height, width, (long) batch * height * width, values.length));
    }
  }
}
