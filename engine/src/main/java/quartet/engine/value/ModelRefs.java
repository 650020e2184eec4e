package quartet.engine.value;

import java.nio.file.Path;

/**
 * References to parts of a checkpoint. A node hands on a reference, never weights: the device
 * resolves it when the part is needed, so a cached output stays valid after the weights were
 * evicted.
 */
public final class ModelRefs {
  private ModelRefs() {}

  /** A MODEL: the denoising network of a checkpoint. */
  public record ModelRef(Path checkpoint) {}

  /**
   * A CLIP: the text encoder of a checkpoint.
   *
   * @param stopAtLayer -1 for the last layer, -2 for the one before, …
   */
  public record ClipRef(Path checkpoint, int stopAtLayer) {}

  /** A VAE. */
  public record VaeRef(Path checkpoint) {}
}
