package quartet.engine.node;

import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.SamplingParts;
import quartet.engine.value.SeenImages;

/**
 * The type of a socket: its name on the wire and the Java type of the values that pass.
 *
 * @param name upper case, for example {@code LATENT}; {@code *} takes anything
 */
public record PortType<T>(String name, Class<T> javaType) {
  /** A denoising network. */
  public static final PortType<ModelRefs.ModelRef> MODEL =
      new PortType<>("MODEL", ModelRefs.ModelRef.class);

  /** A text encoder. */
  public static final PortType<ModelRefs.ClipRef> CLIP =
      new PortType<>("CLIP", ModelRefs.ClipRef.class);

  /** An image encoder and decoder. */
  public static final PortType<ModelRefs.VaeRef> VAE =
      new PortType<>("VAE", ModelRefs.VaeRef.class);

  /** Encoded text. */
  public static final PortType<Conditioning> CONDITIONING =
      new PortType<>("CONDITIONING", Conditioning.class);

  /** Latents. */
  public static final PortType<LatentBatch> LATENT = new PortType<>("LATENT", LatentBatch.class);

  /** Pictures. */
  public static final PortType<ImageBatch> IMAGE = new PortType<>("IMAGE", ImageBatch.class);

  /** Masks. */
  public static final PortType<MaskBatch> MASK = new PortType<>("MASK", MaskBatch.class);

  /** A ControlNet or T2I-Adapter. */
  public static final PortType<ModelRefs.ControlRef> CONTROL_NET =
      new PortType<>("CONTROL_NET", ModelRefs.ControlRef.class);

  /** A vision tower. */
  public static final PortType<ModelRefs.VisionRef> CLIP_VISION =
      new PortType<>("CLIP_VISION", ModelRefs.VisionRef.class);

  /** What a vision tower made of pictures. */
  public static final PortType<SeenImages> CLIP_VISION_OUTPUT =
      new PortType<>("CLIP_VISION_OUTPUT", SeenImages.class);

  /** A style adapter. */
  public static final PortType<ModelRefs.StyleRef> STYLE_MODEL =
      new PortType<>("STYLE_MODEL", ModelRefs.StyleRef.class);

  /** An upscale model. */
  public static final PortType<ModelRefs.UpscalerRef> UPSCALE_MODEL =
      new PortType<>("UPSCALE_MODEL", ModelRefs.UpscalerRef.class);

  /** A way of walking from noise to picture. */
  public static final PortType<SamplingParts.SamplerChoice> SAMPLER =
      new PortType<>("SAMPLER", SamplingParts.SamplerChoice.class);

  /** Noise levels. */
  public static final PortType<SamplingParts.Sigmas> SIGMAS =
      new PortType<>("SIGMAS", SamplingParts.Sigmas.class);

  /** Where noise comes from. */
  public static final PortType<SamplingParts.NoiseChoice> NOISE =
      new PortType<>("NOISE", SamplingParts.NoiseChoice.class);

  /** A model with what steers it. */
  public static final PortType<SamplingParts.Guider> GUIDER =
      new PortType<>("GUIDER", SamplingParts.Guider.class);

  /** A whole number. */
  public static final PortType<Long> INT = new PortType<>("INT", Long.class);

  /** A fraction. */
  public static final PortType<Double> FLOAT = new PortType<>("FLOAT", Double.class);

  /** Text. */
  public static final PortType<String> STRING = new PortType<>("STRING", String.class);

  /** Yes or no. */
  public static final PortType<Boolean> BOOLEAN = new PortType<>("BOOLEAN", Boolean.class);

  /**
   * Whether a link from an output of type {@code from} fits an input of type {@code to}, both as
   * wire names: equal, either {@code *}, or comma-separated sets that overlap.
   */
  public static boolean accepts(String to, String from) {
    if (to.equals(from) || to.equals("*") || from.equals("*")) {
      return true;
    }
    for (String wanted : to.split(",", -1)) {
      for (String offered : from.split(",", -1)) {
        if (wanted.strip().equals(offered.strip())) {
          return true;
        }
      }
    }
    return false;
  }
}
