package quartet.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Clean text to ids: words by a pattern, each word's bytes merged pair by pair, best rank first.
 *
 * <p>Words are remembered, since prompts repeat theirs. Thread: any.
 *
 * <p>Source: openai/CLIP {@code simple_tokenizer.py}.
 */
final class BpeEncoder {
  private static final String START_TEXT = "<|startoftext|>";
  private static final String END_TEXT = "<|endoftext|>";

  private static final Pattern WORDS =
      Pattern.compile(
          "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+",
          Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.UNICODE_CHARACTER_CLASS);

  /** Bounds the memory that strangers' prompts can take. */
  private static final int REMEMBERED_WORDS = 20_000;

  private static final int REMEMBERED_LENGTH = 40;

  /** Marks a symbol that was merged into its left neighbour. */
  private static final int GONE = -1;

  private final BpeVocabulary vocabulary;
  private final Map<String, int[]> remembered = new ConcurrentHashMap<>();

  BpeEncoder(BpeVocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Ids of cleaned text, without start and end. */
  List<Integer> encode(String text) {
    List<Integer> ids = new ArrayList<>();
    Matcher matcher = WORDS.matcher(text);
    while (matcher.find()) {
      for (int id : word(matcher.group())) {
        ids.add(id);
      }
    }
    return ids;
  }

  private int[] word(String word) {
    if (word.equals(START_TEXT)) {
      return new int[] {BpeVocabulary.START};
    }
    if (word.equals(END_TEXT)) {
      return new int[] {BpeVocabulary.END};
    }
    int[] known = remembered.get(word);
    if (known != null) {
      return known;
    }
    int[] ids = merge(word.getBytes(StandardCharsets.UTF_8));
    if (word.length() <= REMEMBERED_LENGTH && remembered.size() < REMEMBERED_WORDS) {
      remembered.put(word, ids);
    }
    return ids;
  }

  /** Two neighbours that merge. The lower the merged id, the earlier; then the further left. */
  private record Candidate(int merged, int left, int leftSymbol, int rightSymbol)
      implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      return merged != other.merged
          ? Integer.compare(merged, other.merged)
          : Integer.compare(left, other.left);
    }
  }

  /**
   * Merges the best pair, from left to right, until none is left.
   *
   * <p>Structure: a linked list of symbols and a heap of pairs; a pair whose symbols have changed
   * since is skipped. A merge only makes pairs of a higher id than its own, so the heap's order is
   * the order of ranks. Cost: n log n, so that a word of a megabyte does no harm.
   */
  private int[] merge(byte[] bytes) {
    int count = bytes.length;
    int[] symbols = new int[count];
    int[] next = new int[count];
    int[] previous = new int[count];
    for (int i = 0; i < count; i++) {
      symbols[i] = i == count - 1 ? vocabulary.wordEndOf(bytes[i]) : vocabulary.symbolOf(bytes[i]);
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    PriorityQueue<Candidate> candidates = new PriorityQueue<>();
    for (int i = 0; i + 1 < count; i++) {
      offer(candidates, symbols, i, i + 1);
    }
    for (Candidate best = candidates.poll(); best != null; best = candidates.poll()) {
      int left = best.left();
      int right = next[left];
      if (symbols[left] != best.leftSymbol()
          || right >= count
          || symbols[right] != best.rightSymbol()) {
        continue;
      }
      symbols[left] = best.merged();
      symbols[right] = GONE;
      next[left] = next[right];
      if (next[left] < count) {
        previous[next[left]] = left;
        offer(candidates, symbols, left, next[left]);
      }
      if (previous[left] >= 0) {
        offer(candidates, symbols, previous[left], left);
      }
    }
    return Arrays.stream(symbols).filter(symbol -> symbol != GONE).toArray();
  }

  private void offer(PriorityQueue<Candidate> candidates, int[] symbols, int left, int right) {
    int merged = vocabulary.merged(symbols[left], symbols[right]);
    if (merged >= 0) {
      candidates.add(new Candidate(merged, left, symbols[left], symbols[right]));
    }
  }
}
