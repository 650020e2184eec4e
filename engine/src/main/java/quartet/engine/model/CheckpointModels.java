package quartet.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.layout.ControlLayout;
import quartet.engine.model.layout.TextLayout;
import quartet.engine.model.layout.UpscaleLayout;
import quartet.engine.model.layout.VaeLayout;
import quartet.engine.model.layout.VisionLayout;
import quartet.engine.model.upscale.Upscaler;
import quartet.errors.CloseAll;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;

/**
 * One file's parts on one device; a part is loaded when it is first asked for.
 *
 * <p>Owner: whoever opened it; it owns the parameters on the device, not the file, which must stay
 * open as long.
 *
 * <p>Thread: the device's.
 */
public final class CheckpointModels implements AutoCloseable {
  private final SafetensorsFile file;
  private final PartLoader loader;
  private final List<PartLoader.Loaded<?>> loaded = new ArrayList<>();
  private @Nullable TextEncoder textEncoder;
  private @Nullable DiffusionModel diffusion;
  private @Nullable Vae vae;
  private @Nullable ControlModel control;
  private @Nullable Upscaler upscaler;
  private @Nullable VisionTower vision;
  private @Nullable StyleModel style;

  private CheckpointModels(SafetensorsFile file, Backend backend) {
    this.file = file;
    this.loader = new PartLoader(backend, CheckpointHints.of(file));
  }

  /**
   * Looks at the names in a checkpoint; loads nothing yet.
   *
   * @throws EngineException if the file holds no denoising network that we know
   */
  public static CheckpointModels open(SafetensorsFile file, Backend backend) {
    Architectures.requireUNet(file);
    return new CheckpointModels(file, backend);
  }

  /** Opens a file that may hold any single part. */
  public static CheckpointModels openPart(SafetensorsFile file, Backend backend) {
    return new CheckpointModels(file, backend);
  }

  /**
   * Passes if the file holds a denoising network.
   *
   * @throws EngineException saying what the file looks like instead
   */
  public void requireCheckpoint() {
    Architectures.requireUNet(file);
  }

  /**
   * The text encoder.
   *
   * @throws EngineException if the file has none
   */
  public TextEncoder textEncoder() {
    if (textEncoder == null) {
      textEncoder = keep(loader.textEncoder(textWeights(List.of(file))));
    }
    return textEncoder;
  }

  /** The denoising network. */
  public DiffusionModel diffusion() {
    if (diffusion == null) {
      diffusion =
          keep(
              loader.diffusion(
                  Architectures.requireUNet(file), file.has("v_pred"), file.has("ztsnr")));
    }
    return diffusion;
  }

  /**
   * The autoencoder.
   *
   * @throws EngineException if the file has none
   */
  public Vae vae() {
    if (vae == null) {
      vae = keep(loader.vae(vaeWeights(List.of(file))));
    }
    return vae;
  }

  /**
   * The ControlNet or T2I-Adapter.
   *
   * @throws EngineException if the file is neither
   */
  public ControlModel control() {
    if (control == null) {
      Optional<Weights> net = ControlLayout.findNet(file);
      Optional<Weights> adapter = ControlLayout.findAdapter(file);
      if (net.isEmpty() && adapter.isEmpty()) {
        throw lacks(file, "ControlNet or T2I-Adapter", "another file").get();
      }
      control =
          keep(
              net.isPresent()
                  ? loader.controlNet(net.get())
                  : loader.adapter(adapter.orElseThrow()));
    }
    return control;
  }

  /**
   * The upscale model.
   *
   * @throws EngineException if the file is none of ESRGAN's family
   */
  public Upscaler upscaler() {
    if (upscaler == null) {
      upscaler =
          keep(
              loader.upscaler(
                  UpscaleLayout.find(file)
                      .orElseThrow(
                          lacks(file, "upscale model of ESRGAN's family", "another file"))));
    }
    return upscaler;
  }

  /**
   * The vision tower.
   *
   * @throws EngineException if the file has none, or one of another family than CLIP
   */
  public VisionTower vision() {
    if (vision == null) {
      vision =
          keep(
              loader.vision(
                  VisionLayout.findTower(file)
                      .orElseThrow(lacks(file, "CLIP vision tower", "another file"))));
    }
    return vision;
  }

  /**
   * The style adapter.
   *
   * @throws EngineException if the file is none
   */
  public StyleModel style() {
    if (style == null) {
      style =
          keep(
              loader.style(
                  VisionLayout.findStyle(file)
                      .orElseThrow(
                          lacks(file, "style adapter (a T2I-Adapter of style)", "another file"))));
    }
    return style;
  }

  static Weights textWeights(List<SafetensorsFile> files) {
    return TextLayout.find(files)
        .orElseThrow(lacks(files.getFirst(), "text encoder", "CLIPLoader or DualCLIPLoader"));
  }

  static Weights vaeWeights(List<SafetensorsFile> files) {
    SafetensorsFile file = files.getFirst();
    return VaeLayout.findTiny(files)
        .or(() -> VaeLayout.find(file))
        .orElseThrow(lacks(file, "VAE", "VAELoader"));
  }

  private static Supplier<EngineException> lacks(
      SafetensorsFile file, String part, String loaderNode) {
    return () ->
        new EngineException(
            ModelErrorCode.CHECKPOINT_TENSOR_MISSING,
            "%s has no %s (it looks like %s). Use %s."
                .formatted(file.path(), part, Architectures.lookOf(file), loaderNode),
            Map.of("file", file.path().toString(), "part", part),
            null);
  }

  private <T> T keep(PartLoader.Loaded<T> part) {
    loaded.add(part);
    return part.model();
  }

  /** Bytes of the loaded parts on the device. */
  public long parameterBytes() {
    return loaded.stream().mapToLong(part -> part.byteSize()).sum();
  }

  /** Frees the parameters. Closing twice does nothing. */
  @Override
  public void close() {
    List<PartLoader.Loaded<?>> closing = List.copyOf(loaded);
    loaded.clear();
    textEncoder = null;
    diffusion = null;
    vae = null;
    control = null;
    upscaler = null;
    vision = null;
    style = null;
    CloseAll.reversed(closing);
  }
}
