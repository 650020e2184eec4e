package quartet.errors;

import java.util.List;

/** Closes several resources; one that fails does not keep the others open. */
public final class CloseAll {
  private CloseAll() {}

  /**
   * Closes in reverse order.
   *
   * @throws IllegalStateException the first failure, the others suppressed in it
   */
  public static void reversed(List<? extends AutoCloseable> resources) {
    IllegalStateException failure = null;
    for (AutoCloseable resource : resources.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        if (failure == null) {
          failure = new IllegalStateException("closing " + resource + " failed: " + e, e);
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
