package quartet.engine.model;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.layout.UNetLayout;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;

/**
 * Tells what a file holds by the names in it, and says so when it is something we cannot run.
 *
 * <p>Source of the names: Stability-AI, black-forest-labs, kohya-ss and Tencent releases as
 * published.
 */
final class Architectures {
  private static final int INPAINT_CHANNELS = 5;

  private static final String KNOWN =
      "Known are Stable Diffusion 1.x and 2.x, SDXL base and refiner, their v-prediction, inpainting and unCLIP variants, as checkpoints or as single parts";

  private record Mark(String name, String looksLike) {}

  /** Names that only one architecture has. */
  private static final List<Mark> MARKS =
      List.of(
          new Mark("joint_blocks.0.context_block.attn.qkv.weight", "a Stable Diffusion 3 model"),
          new Mark("double_blocks.0.img_attn.norm.key_norm.scale", "a Flux model"),
          new Mark("double_blocks.0.img_attn.norm.key_norm.weight", "a Flux model"),
          new Mark("double_layers.0.attn.w1q.weight", "an AuraFlow model"),
          new Mark("t_block.1.weight", "a PixArt model"),
          new Mark("mlp_t5.0.weight", "a Hunyuan-DiT model"),
          new Mark(
              "txt_in.individual_token_refiner.blocks.0.norm1.weight", "a Hunyuan Video model"),
          new Mark("cap_embedder.1.weight", "a Lumina 2 model"),
          new Mark("head.modulation", "a Wan video model"),
          new Mark("adaln_single.emb.timestep_embedder.linear_1.bias", "an LTX Video model"),
          new Mark("txt_norm.weight", "a Qwen-Image model"),
          new Mark("clf.1.weight", "a Stable Cascade model"),
          new Mark(
              "input_blocks.1.0.time_stack.in_layers.0.weight", "a Stable Video Diffusion model"),
          new Mark("ip_adapter.1.to_k_ip.weight", "an IP-Adapter"),
          new Mark("control_model.zero_convs.0.0.weight", "a ControlNet"),
          new Mark("zero_convs.0.0.weight", "a ControlNet"),
          new Mark("controlnet_down_blocks.0.weight", "a ControlNet"));

  private Architectures() {}

  /**
   * The UNet of a file, whose architecture is one we know.
   *
   * @throws EngineException saying what the file looks like instead
   */
  static Weights requireUNet(SafetensorsFile file) {
    Optional<Weights> unet = UNetLayout.find(file);
    String looksLike = marked(file).orElse("");
    if (looksLike.isEmpty() && unet.isPresent()) {
      looksLike = strange(unet.get());
    }
    if (looksLike.isEmpty() && unet.isPresent()) {
      return unet.get();
    }
    throw unknown(file, looksLike.isEmpty() ? withoutUNet(file) : looksLike);
  }

  static EngineException unknown(SafetensorsFile file, String looksLike) {
    return new EngineException(
        ModelErrorCode.CHECKPOINT_ARCHITECTURE_UNKNOWN,
        "%s looks like %s, which cannot be used here. %s.".formatted(file.path(), looksLike, KNOWN),
        Map.of("file", file.path().toString(), "looksLike", looksLike),
        null);
  }

  /** What is in a file that is wanted for something else. */
  static String lookOf(SafetensorsFile file) {
    return marked(file)
        .orElseGet(() -> UNetLayout.find(file).isPresent() ? "a UNet" : withoutUNet(file));
  }

  private static Optional<String> marked(SafetensorsFile file) {
    return MARKS.stream().filter(mark -> any(file, mark.name())).map(Mark::looksLike).findFirst();
  }

  /** Empty for a UNet that takes a latent, alone or with what an inpainting model is shown. */
  private static String strange(Weights unet) {
    int in = channels(unet, "input_blocks.0.0.weight", 1);
    int out = channels(unet, "out.2.weight", 0);
    if (out != LatentFormat.SD15.channels()) {
      return "a UNet with %d output channels (not 4)".formatted(out);
    }
    return in == out || in == out + INPAINT_CHANNELS
        ? ""
        : "a UNet with %d input channels (not 4, or 9 for inpainting)".formatted(in);
  }

  private static int channels(Weights unet, String name, int dimension) {
    var shape = unet.shapeOrNull(name);
    return shape == null || shape.rank() != 4 ? 0 : shape.dim(dimension);
  }

  private static String withoutUNet(SafetensorsFile file) {
    if (any(file, "lora_") || any(file, "lora_A.weight") || any(file, "lora.down.weight")) {
      return "a LoRA";
    }
    if (any(file, "control_model.")) {
      return "a ControlNet";
    }
    if (any(file, "decoder.conv_in.weight")) {
      return "a VAE without a UNet";
    }
    if (any(file, "embeddings.token_embedding.weight") || any(file, "text_projection")) {
      return "a text encoder without a UNet";
    }
    if (any(file, "conv_first.weight") || any(file, "model.1.sub.0.RDB1.conv1.0.weight")) {
      return "an upscale model";
    }
    return "no diffusion model (its first tensor is '%s')"
        .formatted(file.names().stream().findFirst().orElse("none at all"));
  }

  /** Whether any tensor's name begins with, or has behind a dot, what is given. */
  private static boolean any(SafetensorsFile file, String name) {
    return file.names().stream().anyMatch(n -> n.startsWith(name) || n.contains("." + name));
  }
}
