package quartet.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.WeightCursor;
import quartet.engine.model.clip.ClipConfig;
import quartet.engine.model.clip.ClipTextModel;
import quartet.engine.model.unet.UNet;
import quartet.engine.model.unet.UNetConfig;
import quartet.engine.model.vae.Autoencoder;
import quartet.errors.CloseAll;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.Parameters;
import quartet.tokenizer.ClipTokenizer;

/**
 * One checkpoint's parts on one device; a part is loaded when it is first asked for.
 *
 * <p>Owner: whoever opened it; it owns the parameters on the device, not the file, which must stay
 * open as long.
 *
 * <p>Thread: the device's.
 */
public final class CheckpointModels implements AutoCloseable {
  private final SafetensorsFile file;
  private final Backend backend;
  private final CheckpointHints hints;
  private final List<Parameters> loaded = new ArrayList<>();
  private @Nullable TextEncoder textEncoder;
  private @Nullable DiffusionModel diffusion;
  private @Nullable Vae vae;

  private CheckpointModels(SafetensorsFile file, Backend backend) {
    this.file = file;
    this.backend = backend;
    this.hints = CheckpointHints.of(file);
  }

  /**
   * Looks at the names in a file; loads nothing yet.
   *
   * @throws EngineException if the file holds no architecture we know
   */
  public static CheckpointModels open(SafetensorsFile file, Backend backend) {
    Architectures.requireStableDiffusion1(file);
    return new CheckpointModels(file, backend);
  }

  /** The text encoder. */
  public TextEncoder textEncoder() {
    if (textEncoder == null) {
      textEncoder = load("clip", Architectures.clipPrefix(file), this::readTextEncoder);
    }
    return textEncoder;
  }

  /** The denoising network. */
  public DiffusionModel diffusion() {
    if (diffusion == null) {
      diffusion = load("unet", Architectures.UNET, this::readDiffusion);
    }
    return diffusion;
  }

  /** The autoencoder. */
  public Vae vae() {
    if (vae == null) {
      vae = load("vae", Architectures.VAE, weights -> new Vae(backend, new Autoencoder(weights)));
    }
    return vae;
  }

  private TextEncoder readTextEncoder(WeightCursor weights) {
    ClipTextModel model = new ClipTextModel(weights, ClipConfig.read(weights, hints));
    return new TextEncoder(backend, model, ClipTokenizer.load(), hints);
  }

  private DiffusionModel readDiffusion(WeightCursor weights) {
    UNetConfig config = UNetConfig.read(weights, hints);
    boolean velocity = file.has("v_pred");
    return new DiffusionModel(
        backend,
        new UNet(weights, config),
        file.has("ztsnr") ? NoiseSchedule.zeroTerminalSnr() : NoiseSchedule.scaledLinear(),
        velocity ? Prediction.VELOCITY : Prediction.EPSILON,
        new LatentFormat(config.inChannels(), LatentFormat.SD15_SCALE));
  }

  private <T> T load(String part, String prefix, Function<WeightCursor, T> reader) {
    // Parts are loaded apart, so each is a source of its own for backends that share parameters.
    Parameters parameters = backend.openParameters(file.sourceId() + "#" + part, file.mapping());
    boolean done = false;
    try {
      T model = reader.apply(new WeightCursor(file, parameters, prefix));
      loaded.add(parameters);
      done = true;
      return model;
    } finally {
      if (!done) {
        parameters.close();
      }
    }
  }

  /** Bytes of the loaded parts on the device. */
  public long parameterBytes() {
    return loaded.stream().mapToLong(Parameters::byteSize).sum();
  }

  /** Frees the parameters. Closing twice does nothing. */
  @Override
  public void close() {
    List<AutoCloseable> closing = new ArrayList<>(loaded);
    if (diffusion != null) {
      closing.add(diffusion);
    }
    loaded.clear();
    textEncoder = null;
    diffusion = null;
    vae = null;
    CloseAll.reversed(closing);
  }
}
