package quartet.engine.value;

/**
 * Pictures of one size, {@code [B, H, W, C]} in 0..1.
 *
 * @param values {@code batch*height*width*channels} floats, channels innermost; not to be written
 *     to
 * @param channels 3 (RGB) or 4 (RGBA)
 */
@SuppressWarnings(
    "ArrayRecordComponent") // identity is enough: values are never compared, only passed on
public record ImageBatch(float[] values, int batch, int height, int width, int channels) {
  /** Checks the length. */
  public ImageBatch {
    if (values.length != (long) batch * height * width * channels) {
      throw new IllegalArgumentException(
          "image [%d, %d, %d, %d] needs %d values, got %d"
              .formatted(
                  batch,
                  height,
                  width,
                  channels,
                  (long) batch * height * width * channels,
                  values.length));
    }
  }
}
