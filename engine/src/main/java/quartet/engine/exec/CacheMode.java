package quartet.engine.exec;

/** Which results a device keeps from one prompt to the next. */
public sealed interface CacheMode {
  /** What the coming prompt can use; the rest is dropped when it starts. */
  record Classic() implements CacheMode {}

  /**
   * The results that were used last.
   *
   * @param results how many nodes' results are kept; at least 1
   */
  record Lru(int results) implements CacheMode {
    /** Checks the number. */
    public Lru {
      if (results < 1) {
        throw new IllegalArgumentException("an LRU cache must keep 1 result or more: " + results);
      }
    }
  }

  /** Nothing: every node runs every time. */
  record None() implements CacheMode {}
}
