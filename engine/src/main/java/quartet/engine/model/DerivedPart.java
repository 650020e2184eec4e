package quartet.engine.model;

import java.nio.file.Path;
import java.util.function.Function;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.Weights;
import quartet.engine.value.PartSource;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;

/**
 * One part made of several files or changed on its way, on one device.
 *
 * <p>Owner: whoever opened it; it owns the parameters on the device. The files need not stay open.
 */
public final class DerivedPart implements AutoCloseable {
  private final PartLoader.Loaded<?> loaded;

  private DerivedPart(PartLoader.Loaded<?> loaded) {
    this.loaded = loaded;
  }

  /**
   * Loads it.
   *
   * @param files opens the files it names; they stay open during this call
   */
  public static DerivedPart load(
      PartSource source,
      SourceWeights.Part part,
      Function<Path, SafetensorsFile> files,
      Backend backend) {
    SafetensorsFile first = files.apply(SourceWeights.firstFile(source));
    PartLoader loader = new PartLoader(backend, CheckpointHints.of(first));
    Weights weights = new SourceWeights(files).of(source, part);
    return new DerivedPart(
        switch (part) {
          case DIFFUSION -> loader.diffusion(weights, first.has("v_pred"), first.has("ztsnr"));
          case TEXT -> loader.textEncoder(weights);
          case VAE -> loader.vae(weights);
        });
  }

  /** The denoising network, if that is what was loaded. */
  public DiffusionModel diffusion() {
    return (DiffusionModel) loaded.model();
  }

  /** The text encoder, if that is what was loaded. */
  public TextEncoder textEncoder() {
    return (TextEncoder) loaded.model();
  }

  /** The autoencoder, if that is what was loaded. */
  public Vae vae() {
    return (Vae) loaded.model();
  }

  @Override
  public void close() {
    loaded.close();
  }
}
