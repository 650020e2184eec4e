package quartet.engine.node;

import quartet.engine.value.ImageBatch;

/** Makes a picture of half-done work, if somebody looks. Thread: the device's. */
@FunctionalInterface
public interface Preview {
  /**
   * A picture of the present state; only the first item of a batch is shown.
   *
   * @param method which the viewer wants; work that knows only one way ignores it
   * @throws IllegalArgumentException if nobody knows how to draw it
   */
  ImageBatch draw(PreviewMethod method);
}
