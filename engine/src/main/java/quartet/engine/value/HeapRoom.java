package quartet.engine.value;

import quartet.errors.EngineException;

/**
 * Refuses results that the heap cannot hold, before they are made: an exhausted heap ends the
 * process, and with it everybody's prompts.
 */
public final class HeapRoom {
  /** A result, what it is made from, and the rest of the server. */
  private static final int SHARE = 3;

  private HeapRoom() {}

  /**
   * The number of floats of a batch.
   *
   * @throws EngineException with the sizes, if they would take more than a third of the heap
   */
  public static int forFloats(long batch, long channels, long height, long width) {
    double bytes = (double) batch * channels * height * width * Float.BYTES;
    long heap = Runtime.getRuntime().maxMemory();
    if (bytes > (double) heap / SHARE || bytes / Float.BYTES > Integer.MAX_VALUE - 8) {
      throw new EngineException(
          ValueError.RESULT_TOO_LARGE,
          "%d x %d x %d x %d numbers take %.0f MiB; the heap of this server has %d MiB. Make the batch or the picture smaller, or start with a larger -Xmx."
              .formatted(batch, channels, height, width, bytes / (1 << 20), heap >> 20));
    }
    return (int) (batch * channels * height * width);
  }
}
