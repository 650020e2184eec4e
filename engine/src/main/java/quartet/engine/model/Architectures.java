package quartet.engine.model;

import java.util.Map;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;

/**
 * Tells what a file holds by the names in it, and says so when it is something we cannot run.
 *
 * <p>Source of the names: Stability-AI, black-forest-labs and kohya-ss releases as published.
 */
final class Architectures {
  static final String UNET = "model.diffusion_model.";
  static final String VAE = "first_stage_model.";
  static final String CLIP = "cond_stage_model.transformer.";

  private static final String KNOWN =
      "Known are Stable Diffusion 1.x checkpoints (UNet, VAE and CLIP in one file)";

  private Architectures() {}

  /**
   * Passes if the file is a Stable Diffusion 1 checkpoint.
   *
   * @throws EngineException saying what the file looks like instead
   */
  static void requireStableDiffusion1(SafetensorsFile file) {
    String looksLike = otherThanStableDiffusion1(file);
    if (!looksLike.isEmpty()) {
      throw new EngineException(
          ModelErrorCode.CHECKPOINT_ARCHITECTURE_UNKNOWN,
          "%s looks like %s, which cannot be run yet. %s.".formatted(file.path(), looksLike, KNOWN),
          Map.of("file", file.path().toString(), "looksLike", looksLike),
          null);
    }
  }

  /** Empty for a Stable Diffusion 1 checkpoint. */
  private static String otherThanStableDiffusion1(SafetensorsFile file) {
    boolean unet = file.has(UNET + "input_blocks.0.0.weight");
    if (any(file, "joint_blocks.0.context_block.attn.qkv.weight")) {
      return "a Stable Diffusion 3 model";
    }
    if (any(file, "double_blocks.0.img_attn.norm.key_norm.scale")) {
      return "a Flux model";
    }
    if (file.has(UNET + "label_emb.0.0.weight")) {
      return "an SDXL model (or another with a label embedding)";
    }
    if (file.names().stream().anyMatch(name -> name.startsWith("cond_stage_model.model."))) {
      return "a Stable Diffusion 2 model (OpenCLIP text encoder)";
    }
    if (unet && linearProjections(file)) {
      return "a UNet with linear projections (Stable Diffusion 2 or later)";
    }
    if (unet && inChannels(file) != latentChannels(file)) {
      return "a UNet with %d input channels (inpainting or instruct-pix2pix)"
          .formatted(inChannels(file));
    }
    if (unet && file.has(VAE + "decoder.conv_in.weight") && !clipPrefix(file).isEmpty()) {
      return "";
    }
    return partOf(file, unet);
  }

  private static String partOf(SafetensorsFile file, boolean unet) {
    if (unet) {
      return "a UNet without its VAE or CLIP";
    }
    if (file.names().stream().anyMatch(name -> name.contains("lora_"))) {
      return "a LoRA";
    }
    if (any(file, "control_model.") || any(file, "zero_convs.0.0.weight")) {
      return "a ControlNet";
    }
    if (any(file, "down_blocks.0.resnets.0.conv1.weight")) {
      return "a model in Diffusers' folder format";
    }
    if (any(file, "decoder.conv_in.weight")) {
      return "a VAE without a UNet";
    }
    if (any(file, "embeddings.token_embedding.weight") || any(file, "text_projection")) {
      return "a text encoder without a UNet";
    }
    return "no diffusion model (its first tensor is '%s')"
        .formatted(file.names().stream().findFirst().orElse("none at all"));
  }

  /** Where the text encoder's tensors begin, with or without {@code text_model.}; or empty. */
  static String clipPrefix(SafetensorsFile file) {
    for (String prefix : new String[] {CLIP + "text_model.", CLIP}) {
      if (file.has(prefix + "embeddings.token_embedding.weight")) {
        return prefix;
      }
    }
    return "";
  }

  private static boolean linearProjections(SafetensorsFile file) {
    return file.names().stream()
        .filter(name -> name.startsWith(UNET) && name.endsWith(".proj_in.weight"))
        .anyMatch(name -> file.tensor(name).shape().rank() == 2);
  }

  private static int inChannels(SafetensorsFile file) {
    return file.tensor(UNET + "input_blocks.0.0.weight").shape().dim(1);
  }

  private static int latentChannels(SafetensorsFile file) {
    return file.has(UNET + "out.2.weight") ? file.tensor(UNET + "out.2.weight").shape().dim(0) : 0;
  }

  /** Whether any tensor's name begins with, or has behind a dot, what is given. */
  private static boolean any(SafetensorsFile file, String name) {
    return file.names().stream().anyMatch(n -> n.startsWith(name) || n.contains("." + name));
  }
}
