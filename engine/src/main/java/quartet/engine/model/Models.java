package quartet.engine.model;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.upscale.Upscaler;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;

/**
 * The parts of models on one device, loaded when they are first asked for. Whatever is handed out
 * belongs to the device and may be gone after the node that asked for it.
 *
 * <p>Thread: the device's. Errors: EngineException if a file does not hold what is asked of it.
 */
public interface Models {
  /** A denoising network, sampled as the reference says. */
  DiffusionModel diffusion(ModelRefs.ModelRef ref);

  /** A text encoder. */
  TextEncoder textEncoder(ModelRefs.ClipRef ref);

  /** An autoencoder. */
  Vae vae(ModelRefs.VaeRef ref);

  /** A ControlNet or T2I-Adapter. */
  ControlModel control(ModelRefs.ControlRef ref);

  /** A vision tower. */
  VisionTower vision(ModelRefs.VisionRef ref);

  /** A style adapter. */
  StyleModel style(ModelRefs.StyleRef ref);

  /** An upscale model. */
  Upscaler upscaler(ModelRefs.UpscalerRef ref);

  /**
   * A tiny autoencoder for pictures of half-done work. Empty where memory is short, and where the
   * file cannot be used, which is logged once: a picture nobody asked to keep is no reason to fail.
   */
  Optional<Vae> previewer(Path file);

  /** Passes if a file holds a denoising network that we know. */
  void requireCheckpoint(Path file);

  /** Reads a part's weights on the host while {@code reader} runs. */
  <T> T weights(PartSource source, SourceWeights.Part part, Function<Weights, T> reader);
}
