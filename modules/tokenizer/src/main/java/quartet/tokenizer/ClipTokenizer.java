package quartet.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Prompts to windows of token ids with weights, as CLIP-L sees them.
 *
 * <p>Textual inversion ({@code embedding:name}) is not read yet: the name is tokenized as words.
 *
 * <p>Thread: any.
 *
 * <p>Source: openai/CLIP for the ids; ComfyUI {@code SDTokenizer.tokenize_with_weights} for the
 * windows (behaviour).
 */
public final class ClipTokenizer {
  /** Opens each window. */
  public static final int START = BpeVocabulary.START;

  /** Closes each window and pads it. */
  public static final int END = BpeVocabulary.END;

  /** Ids in a window. */
  public static final int WINDOW = 77;

  /** A segment of at least this many tokens may be cut at a window's end; a shorter one moves. */
  private static final int CUTTABLE = 8;

  private static final Pattern BEFORE_EMBEDDING = Pattern.compile("(?<=\\s)(?=embedding:)");

  private final BpeEncoder encoder;

  private ClipTokenizer(BpeEncoder encoder) {
    this.encoder = encoder;
  }

  /** Reads the vocabulary; takes about a tenth of a second, so keep the result. */
  public static ClipTokenizer load() {
    return new ClipTokenizer(new BpeEncoder(BpeVocabulary.load()));
  }

  /** The window of an empty prompt. */
  public static TokenChunk empty() {
    return new Window().close();
  }

  /** One window or more. */
  public List<TokenChunk> tokenize(String prompt) {
    List<TokenChunk> chunks = new ArrayList<>();
    Window window = new Window();
    for (PromptWeights.Segment segment : PromptWeights.parse(prompt)) {
      for (String piece : BEFORE_EMBEDDING.split(segment.text(), -1)) {
        List<Integer> ids = encoder.encode(TextCleaner.clean(piece));
        boolean cuttable = ids.size() >= CUTTABLE;
        int done = 0;
        while (done < ids.size()) {
          int rest = ids.size() - done;
          int taken = rest <= window.room() ? rest : cuttable ? window.room() : 0;
          window.add(ids.subList(done, done + taken), segment.weight());
          done += taken;
          if (done < ids.size()) {
            chunks.add(window.close());
            window = new Window();
          }
        }
      }
    }
    chunks.add(window.close());
    return chunks;
  }

  /** A window being filled. */
  private static final class Window {
    private final int[] ids = new int[WINDOW];
    private final double[] weights = new double[WINDOW];
    private int filled;

    Window() {
      Arrays.fill(ids, END);
      Arrays.fill(weights, 1.0);
      ids[filled++] = START;
    }

    /** Tokens that fit before the end token. */
    int room() {
      return WINDOW - 1 - filled;
    }

    void add(List<Integer> tokens, double weight) {
      for (int token : tokens) {
        ids[filled] = token;
        weights[filled++] = weight;
      }
    }

    TokenChunk close() {
      return new TokenChunk(ids, weights);
    }
  }
}
