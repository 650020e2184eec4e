package quartet.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * CLIP's vocabulary of 49,408 entries: 256 byte symbols, the same at a word's end, 48,894 merges,
 * start and end. Immutable.
 *
 * <p>Structure: symbols are ids; a merge is a lookup of two ids packed into a long, so merging
 * allocates no strings.
 *
 * <p>Source: Sennrich et al. 2016; openai/CLIP {@code simple_tokenizer.py}.
 */
final class BpeVocabulary {
  static final int START = 49406;
  static final int END = 49407;
  private static final int MERGES = 48894;
  private static final String WORD_END = "</w>";
  private static final String RESOURCE = "bpe_simple_vocab_16e6.txt.gz";

  private final int[] byteSymbols = new int[256];
  private final Map<Long, Integer> merges;

  private BpeVocabulary(Map<Long, Integer> merges) {
    this.merges = merges;
  }

  /** Reads the vocabulary that comes with this module. */
  static BpeVocabulary load() {
    List<String> symbols = new ArrayList<>();
    BpeVocabulary vocabulary = new BpeVocabulary(HashMap.newHashMap(MERGES));
    int other = 256;
    List<Integer> others = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      if (isPrintable(b)) {
        vocabulary.byteSymbols[b] = symbols.size();
        symbols.add(Character.toString(b));
      } else {
        others.add(b);
      }
    }
    for (int b : others) {
      vocabulary.byteSymbols[b] = symbols.size();
      symbols.add(Character.toString(other++));
    }
    Map<String, Integer> ids = HashMap.newHashMap(START);
    for (String symbol : List.copyOf(symbols)) {
      symbols.add(symbol + WORD_END);
    }
    for (int id = 0; id < symbols.size(); id++) {
      ids.put(symbols.get(id), id);
    }
    vocabulary.readMerges(ids);
    return vocabulary;
  }

  private void readMerges(Map<String, Integer> ids) {
    try (BufferedReader lines = open()) {
      lines.readLine(); // the version
      for (int rank = 0; rank < MERGES; rank++) {
        String line = lines.readLine();
        int space = line == null ? -1 : line.indexOf(' ');
        if (line == null || space < 0) {
          throw new IllegalStateException(RESOURCE + " is cut short at merge " + rank);
        }
        String left = line.substring(0, space);
        String right = line.substring(space + 1);
        int id = ids.size();
        ids.put(left + right, id);
        merges.put(pair(id(ids, left), id(ids, right)), id);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int id(Map<String, Integer> ids, String symbol) {
    Integer id = ids.get(symbol);
    if (id == null) {
      throw new IllegalStateException(RESOURCE + " merges the unknown symbol " + symbol);
    }
    return id;
  }

  private static BufferedReader open() throws IOException {
    InputStream in = BpeVocabulary.class.getResourceAsStream(RESOURCE);
    if (in == null) {
      throw new IllegalStateException(RESOURCE + " is missing from the class path");
    }
    return new BufferedReader(
        new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8));
  }

  /** Id of a byte inside a word. */
  int symbolOf(byte value) {
    return byteSymbols[Byte.toUnsignedInt(value)];
  }

  /** Id of a byte that ends a word. */
  int wordEndOf(byte value) {
    return byteSymbols[Byte.toUnsignedInt(value)] + 256;
  }

  /** Id of two symbols merged, or -1; the lower the id, the earlier the merge applies. */
  int merged(int left, int right) {
    Integer id = merges.get(pair(left, right));
    return id == null ? -1 : id;
  }

  /** Bytes that stand for themselves: printable Latin-1 but for the soft hyphen. */
  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }
}
