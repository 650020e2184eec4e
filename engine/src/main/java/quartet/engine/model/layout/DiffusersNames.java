package quartet.engine.model.layout;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import quartet.engine.model.blocks.Weights;

/**
 * Diffusers' names for the modules of a UNet and a VAE, to and from ours (which are CompVis's).
 *
 * <p>A level of the UNet has as many blocks as residual blocks, and one more that changes the size;
 * so the block's number tells level and place. Source: huggingface/diffusers {@code
 * convert_original_stable_diffusion_to_diffusers} (the correspondence).
 */
public final class DiffusersNames {
  private static final Pattern BLOCK =
      Pattern.compile("(input|output)_blocks\\.(\\d+)\\.(\\d+)\\.(.*)");
  private static final Pattern MIDDLE = Pattern.compile("middle_block\\.(\\d+)\\.(.*)");
  private static final Pattern DOWN_UP =
      Pattern.compile(
          "(down|up)_blocks\\.(\\d+)\\.(resnets|attentions|downsamplers|upsamplers)\\.(\\d+)\\.(.*)");
  private static final Pattern MID =
      Pattern.compile("mid_block\\.(resnets|attentions)\\.(\\d)\\.(.*)");

  private static final Map<String, String> RESIDUAL =
      Map.of(
          "in_layers.0", "norm1",
          "in_layers.2", "conv1",
          "emb_layers.1", "time_emb_proj",
          "out_layers.0", "norm2",
          "out_layers.3", "conv2",
          "skip_connection", "conv_shortcut");

  private static final Map<String, String> ROOTS =
      Map.of(
          "input_blocks.0.0", "conv_in",
          "out.0", "conv_norm_out",
          "out.2", "conv_out",
          "time_embed.0", "time_embedding.linear_1",
          "time_embed.2", "time_embedding.linear_2",
          "label_emb.0.0", "add_embedding.linear_1",
          "label_emb.0.2", "add_embedding.linear_2");

  private DiffusersNames() {}

  /** Residual blocks per level of a UNet under our names. */
  public static int residualsPerLevel(Weights unet) {
    int n = 1;
    while (unet.has("input_blocks." + n + ".0.in_layers.0.weight")) {
      n++;
    }
    return n - 1;
  }

  /** Residual blocks per level of a UNet under Diffusers' names. */
  static int residualsOf(Weights unet) {
    int n = 0;
    while (unet.has("down_blocks.0.resnets." + n + ".conv1.weight")) {
      n++;
    }
    return n;
  }

  /**
   * Diffusers' name of one of our modules, such as {@code input_blocks.1.1.proj_in}; the name
   * itself if there is no other.
   *
   * @param residuals per level
   */
  public static String fromOurs(String module, int residuals) {
    String root = ROOTS.get(module);
    if (root != null) {
      return root;
    }
    Matcher middle = MIDDLE.matcher(module);
    if (middle.matches()) {
      int place = Integer.parseInt(middle.group(1));
      return place == 1
          ? "mid_block.attentions.0." + middle.group(2)
          : "mid_block.resnets." + place / 2 + "." + residual(middle.group(2));
    }
    Matcher block = BLOCK.matcher(module);
    return block.matches() ? block(block, residuals) : module;
  }

  private static String block(Matcher block, int residuals) {
    boolean down = block.group(1).equals("input");
    int number = Integer.parseInt(block.group(2)) - (down ? 1 : 0);
    int layer = Integer.parseInt(block.group(3));
    String rest = block.group(4);
    String level = (down ? "down" : "up") + "_blocks." + number / (residuals + 1) + ".";
    if (rest.equals("op")) {
      return level + "downsamplers.0.conv";
    }
    if (rest.equals("conv")) {
      return level + "upsamplers.0.conv";
    }
    int place = number % (residuals + 1);
    return layer == 0
        ? level + "resnets." + place + "." + residual(rest)
        : level + "attentions." + place + "." + rest;
  }

  private static String residual(String rest) {
    return RESIDUAL.getOrDefault(rest, rest);
  }

  /** Our name of one of Diffusers' modules of a UNet; the name itself if there is no other. */
  static String toOurs(String module, int residuals, Weights file) {
    for (Map.Entry<String, String> root : ROOTS.entrySet()) {
      if (root.getValue().equals(module)) {
        return root.getKey();
      }
    }
    Matcher mid = MID.matcher(module);
    if (mid.matches()) {
      return mid.group(1).equals("attentions")
          ? "middle_block.1." + mid.group(3)
          : "middle_block." + 2 * Integer.parseInt(mid.group(2)) + "." + ourResidual(mid.group(3));
    }
    Matcher block = DOWN_UP.matcher(module);
    if (!block.matches()) {
      return module;
    }
    boolean down = block.group(1).equals("down");
    int level = Integer.parseInt(block.group(2));
    int place = Integer.parseInt(block.group(4));
    int first = level * (residuals + 1) + (down ? 1 : 0);
    String side = down ? "input_blocks." : "output_blocks.";
    return switch (block.group(3)) {
      case "resnets" -> side + (first + place) + ".0." + ourResidual(block.group(5));
      case "attentions" -> side + (first + place) + ".1." + block.group(5);
      case "downsamplers" -> side + (first + residuals) + ".0.op";
      default -> {
        boolean attention = file.has("up_blocks." + level + ".attentions.0.norm.weight");
        yield side + (first + residuals) + (attention ? ".2.conv" : ".1.conv");
      }
    };
  }

  private static String ourResidual(String rest) {
    for (Map.Entry<String, String> entry : RESIDUAL.entrySet()) {
      if (entry.getValue().equals(rest)) {
        return entry.getKey();
      }
    }
    return rest;
  }

  /**
   * Our name of a tensor of Diffusers' VAE.
   *
   * @param levels of the decoder, which counts them from the other end
   */
  static String vaeToOurs(String name, int levels) {
    String ours =
        name.replace("mid_block.resnets.0.", "mid.block_1.")
            .replace("mid_block.resnets.1.", "mid.block_2.")
            .replace("mid_block.attentions.0.", "mid.attn_1.")
            .replace("conv_norm_out", "norm_out")
            .replace("conv_shortcut", "nin_shortcut")
            .replace(".downsamplers.0.", ".downsample.")
            .replace(".upsamplers.0.", ".upsample.")
            .replace(".down_blocks.", ".down.")
            .replace(".resnets.", ".block.");
    Matcher up = Pattern.compile("(.*)\\.up_blocks\\.(\\d+)\\.(.*)").matcher(ours);
    if (up.matches()) {
      int level = levels - 1 - Integer.parseInt(up.group(2));
      ours = up.group(1) + ".up." + level + "." + up.group(3);
    }
    return ours.contains(".attn_1.") ? attention(ours) : ours;
  }

  private static String attention(String name) {
    return name.replace(".group_norm.", ".norm.")
        .replace(".to_q.", ".q.")
        .replace(".to_k.", ".k.")
        .replace(".to_v.", ".v.")
        .replace(".to_out.0.", ".proj_out.")
        .replace(".query.", ".q.")
        .replace(".key.", ".k.")
        .replace(".value.", ".v.")
        .replace(".proj_attn.", ".proj_out.");
  }
}
