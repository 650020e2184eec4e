package quartet.tokenizer;

/**
 * One window of the text encoder: start, up to 75 tokens, end, padding.
 *
 * @param ids as many as the encoder has positions; not to be written to
 * @param weights one per id; 1 for start, end and padding; not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, only passed on
public record TokenChunk(int[] ids, double[] weights) {
  /** Checks the lengths. */
  public TokenChunk {
    if (ids.length != weights.length) {
      throw new IllegalArgumentException(
          "%d ids with %d weights".formatted(ids.length, weights.length));
    }
  }

  /** Whether any token weighs other than 1. */
  public boolean isWeighted() {
    for (double weight : weights) {
      if (weight != 1.0) {
        return true;
      }
    }
    return false;
  }
}
