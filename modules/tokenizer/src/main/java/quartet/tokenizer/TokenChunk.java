package quartet.tokenizer;

import java.util.List;

/**
 * One window of the text encoder: start, up to 75 tokens, end, padding.
 *
 * @param ids as many as the encoder has positions; not to be written to
 * @param customs what negative ids stand for: -1 the first, -2 the second, …
 * @param weights one per id; 1 for start, end and padding; not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, only passed on
public record TokenChunk(int[] ids, double[] weights, List<Custom> customs) {
  /** A token that is not in the vocabulary: a row of a named embedding. */
  public record Custom(String name, int row) {}

  /** A window of words only. */
  public TokenChunk(int[] ids, double[] weights) {
    this(ids, weights, List.of());
  }

  /** Checks the lengths, copies the list. */
  public TokenChunk {
    customs = List.copyOf(customs);
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
