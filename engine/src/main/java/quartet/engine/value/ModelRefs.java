package quartet.engine.value;

import java.nio.file.Path;

/**
 * References to parts of models. A node hands on a reference, never weights: the device resolves it
 * when the part is needed, so a cached output stays valid after the weights were evicted.
 */
public final class ModelRefs {
  private ModelRefs() {}

  /**
   * A MODEL: a denoising network.
   *
   * @param options how it is sampled
   */
  public record ModelRef(PartSource source, ModelOptions options) {
    /** As a checkpoint has it. */
    public ModelRef(Path checkpoint) {
      this(PartSource.of(checkpoint), ModelOptions.NONE);
    }

    /** The same with other options. */
    public ModelRef with(ModelOptions other) {
      return new ModelRef(source, other);
    }
  }

  /**
   * A CLIP: one text encoder or two.
   *
   * @param stopAtLayer -1 for the last layer, -2 for the one before, …; 0 for the model's own
   *     choice
   */
  public record ClipRef(PartSource source, int stopAtLayer) {
    /** As a checkpoint has it. */
    public ClipRef(Path checkpoint) {
      this(PartSource.of(checkpoint), 0);
    }
  }

  /** A VAE. */
  public sealed interface VaeRef {
    /** As a checkpoint has it. */
    static VaeRef of(Path checkpoint) {
      return new Stored(PartSource.of(checkpoint));
    }

    /** One with weights. */
    record Stored(PartSource source) implements VaeRef {}

    /** One without: its latents are the pictures themselves, in -1..1. */
    record Pixels() implements VaeRef {}
  }

  /** A CONTROL_NET: a ControlNet or a T2I-Adapter. */
  public record ControlRef(Path file) {}

  /** A CLIP_VISION: a vision tower, alone or in a checkpoint. */
  public record VisionRef(Path file) {}

  /** A STYLE_MODEL. */
  public record StyleRef(Path file) {}

  /** An UPSCALE_MODEL. */
  public record UpscalerRef(Path file) {}
}
