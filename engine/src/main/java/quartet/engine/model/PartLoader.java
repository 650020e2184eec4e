package quartet.engine.model;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.WeightCursor;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.clip.ClipConfig;
import quartet.engine.model.clip.ClipKind;
import quartet.engine.model.clip.ClipTextModel;
import quartet.engine.model.clip.ClipVisionModel;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.control.T2iAdapter;
import quartet.engine.model.layout.VisionLayout;
import quartet.engine.model.style.StyleAdapter;
import quartet.engine.model.unet.ControlNet;
import quartet.engine.model.unet.UNet;
import quartet.engine.model.unet.UNetConfig;
import quartet.engine.model.upscale.RrdbNet;
import quartet.engine.model.upscale.Upscaler;
import quartet.engine.model.vae.Autoencoder;
import quartet.engine.model.vae.TinyAutoencoder;
import quartet.errors.CloseAll;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tokenizer.ClipTokenizer;

/** Makes a part of a model out of its weights, on one device. */
final class PartLoader {
  /** Deviation of one bias by which Stable Diffusion 2's velocity models are told. */
  private static final double VELOCITY_DEVIATION = 0.09;

  private static final String TELLING_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias";

  /** Widths of the labels of unCLIP models: twice ViT-L's summary, twice ViT-H's. */
  private static final Set<Integer> UNCLIP_WIDTHS = Set.of(1536, 2048);

  private final Backend backend;
  private final CheckpointHints hints;

  PartLoader(Backend backend, CheckpointHints hints) {
    this.backend = backend;
    this.hints = hints;
  }

  /**
   * A part and its numbers on the device.
   *
   * <p>Owner: whoever loaded it.
   */
  record Loaded<T>(T model, List<AutoCloseable> held) implements AutoCloseable {
    @Override
    public void close() {
      CloseAll.reversed(held);
    }

    /** The bytes of its numbers. */
    long byteSize() {
      return held.stream()
          .mapToLong(one -> one instanceof Parameters parameters ? parameters.byteSize() : 0)
          .sum();
    }
  }

  /**
   * Loads a part.
   *
   * @param reader makes it at the root of the weights
   */
  <T> Loaded<T> load(Weights weights, Function<WeightCursor, T> reader) {
    // Parts are loaded apart, so each is a source of its own for backends that share parameters.
    @Nullable MemorySegment mapped = weights.mapping();
    Parameters parameters =
        mapped == null
            ? backend.openParameters(weights.id())
            : backend.openParameters(weights.id(), mapped);
    boolean done = false;
    try {
      T model = reader.apply(new WeightCursor(weights, parameters));
      parameters.loaded();
      done = true;
      return new Loaded<>(model, List.of(parameters));
    } finally {
      if (!done) {
        parameters.close();
      }
    }
  }

  Loaded<TextEncoder> textEncoder(Weights weights) {
    return load(
        weights,
        cursor -> {
          List<ClipEncoder> encoders = new ArrayList<>();
          for (ClipKind kind : ClipKind.values()) {
            if (weights.has(kind.prefix() + "embeddings.token_embedding.weight")) {
              WeightCursor at = cursor.at(kind.prefix().substring(0, kind.prefix().length() - 1));
              ClipTextModel model = new ClipTextModel(at, ClipConfig.read(at, kind, hints));
              encoders.add(new ClipEncoder(backend, model, hints));
            }
          }
          return new TextEncoder(encoders, ClipTokenizer.load());
        });
  }

  /**
   * A denoising network.
   *
   * @param velocity whether its file says that it predicts the velocity
   * @param zeroTerminalSnr whether its file says that its last step holds no signal
   */
  Loaded<DiffusionModel> diffusion(Weights weights, boolean velocity, boolean zeroTerminalSnr) {
    Loaded<DiffusionModel> part =
        load(
            weights,
            cursor -> {
              boolean linear = linearProjections(weights);
              UNet network = new UNet(cursor, UNetConfig.read(cursor, linear, hints));
              LabelKind label = labelKind(network.labelWidth());
              boolean secondGeneration = linear && label == LabelKind.NONE;
              return new DiffusionModel(
                  network,
                  DiffusionModel.evaluation(backend, network),
                  zeroTerminalSnr ? NoiseSchedule.zeroTerminalSnr() : NoiseSchedule.scaledLinear(),
                  velocity
                          || label == LabelKind.IMAGE
                          || (secondGeneration && velocityByBias(weights))
                      ? Prediction.VELOCITY
                      : Prediction.EPSILON,
                  label == LabelKind.SIZES ? LatentFormat.SDXL : LatentFormat.SD15,
                  label);
            });
    List<AutoCloseable> held = new ArrayList<>(part.held());
    held.add(part.model().recording());
    return new Loaded<>(part.model(), held);
  }

  Loaded<Vae> vae(Weights weights) {
    return load(
        weights,
        cursor ->
            new Vae(
                backend,
                weights.has("decoder.1.weight")
                    ? new TinyAutoencoder(cursor.thorough(), tinyScale(weights.origin()))
                    : new Autoencoder(cursor.thorough())));
  }

  /** Tiny autoencoders do not say whose latents they know, but their files are named for it. */
  private static float tinyScale(String origin) {
    return origin.contains(LatentFormat.SDXL.tinyName())
        ? LatentFormat.SDXL.scale()
        : LatentFormat.SD15.scale();
  }

  Loaded<ControlModel> controlNet(Weights weights) {
    return load(
        weights,
        cursor ->
            ControlModel.of(
                new ControlNet(
                    cursor.thorough(),
                    UNetConfig.read(cursor, linearProjections(weights), hints))));
  }

  Loaded<ControlModel> adapter(Weights weights) {
    return load(weights, cursor -> ControlModel.of(new T2iAdapter(cursor.thorough())));
  }

  /** A vision tower of a kind that CLIP has. */
  Loaded<VisionTower> vision(Weights weights) {
    ClipKind kind =
        VisionLayout.kind(weights, hints)
            .orElseThrow(
                () ->
                    new EngineException(
                        ModelErrorCode.CHECKPOINT_ARCHITECTURE_UNKNOWN,
                        "%s has a vision tower of fewer layers than CLIP's; known are ViT-L, ViT-H and ViT-bigG."
                            .formatted(weights.origin())));
    return load(
        weights,
        cursor -> new VisionTower(backend, new ClipVisionModel(cursor.thorough(), kind, hints)));
  }

  Loaded<StyleModel> style(Weights weights) {
    return load(weights, cursor -> new StyleModel(backend, new StyleAdapter(cursor.thorough())));
  }

  Loaded<Upscaler> upscaler(Weights weights) {
    return load(weights, cursor -> new Upscaler(backend, new RrdbNet(cursor.thorough())));
  }

  private static boolean linearProjections(Weights weights) {
    for (String name : weights.names()) {
      if (name.endsWith(".proj_in.weight")) {
        @Nullable Shape shape = weights.shapeOrNull(name);
        return shape != null && shape.rank() == 2;
      }
    }
    return false;
  }

  private LabelKind labelKind(int width) {
    if (width == 0) {
      return LabelKind.NONE;
    }
    return UNCLIP_WIDTHS.contains(width) || hints.positive("unclip").isPresent()
        ? LabelKind.IMAGE
        : LabelKind.SIZES;
  }

  /** Source: ComfyUI {@code supported_models.SD20.model_type} (behaviour). */
  private static boolean velocityByBias(Weights weights) {
    @Nullable HostTensor bias = weights.tensorOrNull(TELLING_BIAS);
    if (bias == null) {
      return false;
    }
    double sum = 0;
    double squares = 0;
    float[] values = bias.toFloats();
    for (float value : values) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / values.length;
    double variance = (squares - values.length * mean * mean) / (values.length - 1);
    return Math.sqrt(variance) > VELOCITY_DEVIATION;
  }
}
