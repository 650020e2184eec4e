package quartet.testkit;

/**
 * Runs a check over many seeded cases. A failure names the seed of its case; running the test again
 * with {@code -Dquartet.property.seed=<seed>} runs that case alone.
 *
 * <p>The seeds are fixed, so a build is repeatable; {@code -Dquartet.property.start=<n>} moves them
 * and {@code -Dquartet.property.factor=<n>} multiplies the number of cases, for longer hunts.
 */
public final class Property {
  private static final String SEED = "quartet.property.seed";
  private static final String START = "quartet.property.start";
  private static final String FACTOR = "quartet.property.factor";

  private Property() {}

  /**
   * Checks {@code cases} cases.
   *
   * @throws AssertionError with name, seed and command-line hint, caused by the check's own failure
   */
  public static void check(String name, int cases, Check check) {
    String only = System.getProperty(SEED);
    if (only != null) {
      runCase(name, Long.parseLong(only), check);
      return;
    }
    long start = Long.getLong(START, 1);
    long count = cases * Long.getLong(FACTOR, 1);
    for (long seed = start; seed < start + count; seed++) {
      runCase(name, seed, check);
    }
  }

  // A check may fail with any Throwable; the seed has to reach the reader whichever it is.
  @SuppressWarnings("CatchingUnchecked")
  private static void runCase(String name, long seed, Check check) {
    try {
      check.run(new Cases(seed));
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "property '%s' fails with seed %d (run it alone with -D%s=%d): %s"
              .formatted(name, seed, SEED, seed, e.getMessage()),
          e);
    }
  }

  /** What has to hold for one case. */
  @FunctionalInterface
  public interface Check {
    /** Draws its inputs from {@code cases} only. */
    void run(Cases cases) throws Exception;
  }
}
