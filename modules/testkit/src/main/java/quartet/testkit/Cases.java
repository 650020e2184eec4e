package quartet.testkit;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Draws the inputs of one property case from its seed. */
public final class Cases {
  private static final float[] ODD_NUMBERS = {
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    -0.0f,
    0.0f,
    Float.MIN_VALUE,
    -Float.MIN_NORMAL,
    Float.MAX_VALUE
  };

  private final RandomGenerator random;

  /** The case of a seed. */
  public Cases(long seed) {
    random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** From {@code low} to {@code high}, both included. */
  public int intIn(int low, int high) {
    return random.nextInt(low, high + 1);
  }

  /** From {@code low} to {@code high}, both included. */
  public long longIn(long low, long high) {
    return random.nextLong(low, high + 1);
  }

  /** True or false. */
  public boolean coin() {
    return random.nextBoolean();
  }

  /** One of the given values. */
  @SafeVarargs
  public final <T> T oneOf(T... values) {
    return values[random.nextInt(values.length)];
  }

  /** One of the given values. */
  public <T> T oneOf(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  /** Normally distributed numbers with mean 0. */
  public float[] normal(long count, double deviation) {
    float[] out = new float[Math.toIntExact(count)];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (random.nextGaussian() * deviation);
    }
    return out;
  }

  /** Whole numbers from {@code -limit} to {@code limit}: products and short sums are exact. */
  public float[] wholeNumbers(long count, int limit) {
    float[] out = new float[Math.toIntExact(count)];
    for (int i = 0; i < out.length; i++) {
      out[i] = intIn(-limit, limit);
    }
    return out;
  }

  /** The same numbers with about one in {@code every} replaced by NaN, an infinity or a zero. */
  public float[] withOddNumbers(float[] numbers, int every) {
    float[] out = numbers.clone();
    for (int i = 0; i < out.length; i++) {
      if (random.nextInt(every) == 0) {
        out[i] = ODD_NUMBERS[random.nextInt(ODD_NUMBERS.length)];
      }
    }
    return out;
  }
}
