package quartet.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Prompts to windows of token ids with weights, as CLIP-L sees them.
 *
 * <p>{@code embedding:name}, at the start of a piece of one weight or after a space, stands for the
 * vectors of a textual inversion; one that is not there is left out.
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

  /** A name ends at a space, or where another bracketed syntax begins. */
  private static final Pattern EMBEDDING = Pattern.compile("embedding:([^\\s<\\[]+)");

  private static final Pattern TRAILING_COMMAS = Pattern.compile(",+$");

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

  /** Textual inversions by name. */
  @FunctionalInterface
  public interface Embeddings {
    /** How many tokens it stands for, or empty if there is none of that name. */
    OptionalInt count(String name);
  }

  /** One window or more; embeddings' names are taken as words. */
  public List<TokenChunk> tokenize(String prompt) {
    Filling filling = new Filling();
    for (PromptWeights.Segment segment : PromptWeights.parse(prompt)) {
      for (String piece : BEFORE_EMBEDDING.split(segment.text(), -1)) {
        filling.add(encoder.encode(TextCleaner.clean(piece)), segment.weight());
      }
    }
    return filling.finish();
  }

  /** One window or more. */
  public List<TokenChunk> tokenize(String prompt, Embeddings embeddings) {
    Filling filling = new Filling();
    for (PromptWeights.Segment segment : PromptWeights.parse(prompt)) {
      for (String piece : BEFORE_EMBEDDING.split(segment.text(), -1)) {
        String words = piece;
        Matcher named = EMBEDDING.matcher(piece);
        if (named.lookingAt()) {
          words = piece.substring(named.end());
          String name = named.group(1);
          OptionalInt count = embeddings.count(name);
          if (count.isEmpty() && name.endsWith(",")) {
            name = TRAILING_COMMAS.matcher(name).replaceAll("");
            count = embeddings.count(name);
          }
          filling.addCustom(name, count.orElse(0), segment.weight());
        }
        filling.add(encoder.encode(TextCleaner.clean(words)), segment.weight());
      }
    }
    return filling.finish();
  }

  /** Windows being filled one after the other. */
  private static final class Filling {
    private final List<TokenChunk> chunks = new ArrayList<>();
    private Window window = new Window();

    void add(List<Integer> ids, double weight) {
      boolean cuttable = ids.size() >= CUTTABLE;
      int done = 0;
      while (done < ids.size()) {
        int rest = ids.size() - done;
        int taken = rest <= window.room() ? rest : cuttable ? window.room() : 0;
        window.add(ids.subList(done, done + taken), weight);
        done += taken;
        if (done < ids.size()) {
          next();
        }
      }
    }

    void addCustom(String name, int count, double weight) {
      boolean cuttable = count >= CUTTABLE;
      if (!cuttable && count > window.room()) {
        next();
      }
      for (int row = 0; row < count; row++) {
        if (window.room() == 0) {
          next();
        }
        window.addCustom(new TokenChunk.Custom(name, row), weight);
      }
    }

    private void next() {
      chunks.add(window.close());
      window = new Window();
    }

    List<TokenChunk> finish() {
      next();
      return chunks;
    }
  }

  /** A window being filled. */
  private static final class Window {
    private final int[] ids = new int[WINDOW];
    private final double[] weights = new double[WINDOW];
    private final List<TokenChunk.Custom> customs = new ArrayList<>();
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

    void addCustom(TokenChunk.Custom token, double weight) {
      customs.add(token);
      ids[filled] = -customs.size();
      weights[filled++] = weight;
    }

    TokenChunk close() {
      return new TokenChunk(ids, weights, customs);
    }
  }
}
