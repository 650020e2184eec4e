package quartet.engine.value;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What steers a sampling run: entries whose predictions are averaged, each with its own reach. */
public record Conditioning(List<Entry> entries) {
  /** Copies the list. */
  public Conditioning {
    entries = List.copyOf(entries);
  }

  /** One entry over the whole picture and all timesteps. */
  public static Conditioning of(float[] tokens, int count, int width, float @Nullable [] pooled) {
    return new Conditioning(List.of(new Entry(tokens, count, width, pooled, 1f, 0.0, 1.0)));
  }

  /**
   * One encoded text.
   *
   * @param tokens {@code [tokenCount, width]}, width innermost; not to be written to
   * @param pooled {@code [pooledWidth]} or null
   * @param strength factor of its prediction
   * @param startPercent where in the run (0 = first step) it begins to act
   * @param endPercent where it ends
   */
  @SuppressWarnings(
      "ArrayRecordComponent") // identity is enough: values are never compared, only passed on
  public record Entry(
      float[] tokens,
      int tokenCount,
      int width,
      float @Nullable [] pooled,
      float strength,
      double startPercent,
      double endPercent) {
    /** Checks the length. */
    public Entry {
      if (tokens.length != (long) tokenCount * width) {
        throw new IllegalArgumentException(
            "conditioning [%d, %d] needs %d values, got %d"
                .formatted(tokenCount, width, (long) tokenCount * width, tokens.length));
      }
    }
  }
}
