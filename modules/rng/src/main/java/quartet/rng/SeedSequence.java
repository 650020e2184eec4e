package quartet.rng;

import java.util.Arrays;

/**
 * numpy's seed hashing with a pool of 24 words, as torchsde uses it to seed each node of a Brownian
 * tree.
 *
 * <p>Source: O'Neill 2015, "Developing a seed_seq alternative"; numpy {@code SeedSequence} (BSD)
 * for the order of mixing; torchsde {@code BrownianInterval} for the pool size.
 */
final class SeedSequence {
  private static final int POOL = 24;
  private static final int INIT_A = 0x43b0d7e5;
  private static final int MULT_A = 0x931e8875;
  private static final int INIT_B = 0x8b51f9dd;
  private static final int MULT_B = 0x58f38ded;
  private static final int MIX_LEFT = 0xca01f9dd;
  private static final int MIX_RIGHT = 0x4973f715;

  private int hash = INIT_A;

  private SeedSequence() {}

  /**
   * The first word of the state.
   *
   * @param entropy unsigned
   * @param spawnKey non-negative numbers; empty for the root
   */
  static long firstWord(long entropy, long... spawnKey) {
    return new SeedSequence().word(entropy, spawnKey);
  }

  private long word(long entropy, long[] spawnKey) {
    int[] words = words(entropy);
    if (spawnKey.length > 0) {
      words = Arrays.copyOf(words, POOL);
      for (long key : spawnKey) {
        int[] more = words(key);
        int at = words.length;
        words = Arrays.copyOf(words, at + more.length);
        System.arraycopy(more, 0, words, at, more.length);
      }
    }
    int[] pool = new int[POOL];
    for (int i = 0; i < POOL; i++) {
      pool[i] = hashMix(i < words.length ? words[i] : 0);
    }
    for (int source = 0; source < POOL; source++) {
      for (int target = 0; target < POOL; target++) {
        if (source != target) {
          pool[target] = mix(pool[target], hashMix(pool[source]));
        }
      }
    }
    for (int i = POOL; i < words.length; i++) {
      for (int target = 0; target < POOL; target++) {
        pool[target] = mix(pool[target], hashMix(words[i]));
      }
    }
    int outputHash = INIT_B;
    int value = pool[0] ^ outputHash;
    outputHash *= MULT_B;
    value *= outputHash;
    return Integer.toUnsignedLong(value ^ value >>> 16);
  }

  private int hashMix(int value) {
    int mixed = value ^ hash;
    hash *= MULT_A;
    mixed *= hash;
    return mixed ^ mixed >>> 16;
  }

  private static int mix(int x, int y) {
    int result = x * MIX_LEFT - y * MIX_RIGHT;
    return result ^ result >>> 16;
  }

  /** Little-endian 32-bit words without leading zeros; zero has one word. */
  private static int[] words(long value) {
    return value >>> 32 == 0
        ? new int[] {(int) value}
        : new int[] {(int) value, (int) (value >>> 32)};
  }
}
