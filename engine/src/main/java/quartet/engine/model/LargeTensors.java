package quartet.engine.model;

/** The largest tensors that networks are shown: convolution libraries count elements in 32 bits. */
public final class LargeTensors {
  private static final long MOST_ELEMENTS = Integer.MAX_VALUE;

  private LargeTensors() {}

  /**
   * How many items can be counted together; 0 if not even one can.
   *
   * @param height in pixels of the item
   * @param width in pixels of the item
   * @param widest the most values per pixel that any tensor has
   */
  public static int items(long height, long width, long widest) {
    return (int) (MOST_ELEMENTS / (height * width * widest));
  }
}
