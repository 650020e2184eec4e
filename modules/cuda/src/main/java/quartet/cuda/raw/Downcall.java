package quartet.cuda.raw;

/** What a method handle throws besides the native function's own doing. */
final class Downcall {
  private Downcall() {}

  /** A downcall that did not reach its function: a defect of ours, never the device's. */
  static RuntimeException broken(Throwable e) {
    if (e instanceof RuntimeException unchecked) {
      return unchecked;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("a native call could not be made", e);
  }
}
