package quartet.engine.value;

/**
 * A CLIP_VISION_OUTPUT: what a vision tower made of pictures.
 *
 * @param hidden {@code [batch, tokens, width]}, the last layer's states; not to be written to
 * @param embeddings {@code [batch, embeddingWidth]}, the pictures' summaries; not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
public record SeenImages(
    float[] hidden, float[] embeddings, int batch, int tokens, int width, int embeddingWidth) {
  /** Checks the lengths. */
  public SeenImages {
    if (hidden.length != (long) batch * tokens * width
        || embeddings.length != (long) batch * embeddingWidth) {
      throw new IllegalArgumentException(
          "%d pictures of [%d, %d] and [%d] do not have %d and %d numbers"
              .formatted(batch, tokens, width, embeddingWidth, hidden.length, embeddings.length));
    }
  }
}
