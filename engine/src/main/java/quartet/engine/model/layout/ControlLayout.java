package quartet.engine.model.layout;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.safetensors.SafetensorsFile;

/** Where a file keeps a ControlNet or a T2I-Adapter. */
public final class ControlLayout {
  private static final Pattern HINT_BLOCK =
      Pattern.compile("controlnet_cond_embedding\\.blocks\\.(\\d+)");
  private static final Pattern ZERO = Pattern.compile("controlnet_down_blocks\\.(\\d+)");

  private ControlLayout() {}

  /** The ControlNet under our names, or empty. */
  public static Optional<Weights> findNet(SafetensorsFile file) {
    for (String prefix : List.of("control_model.", "")) {
      if (file.has(prefix + "zero_convs.0.0.weight")) {
        return Optional.of(FileWeights.below(file, prefix));
      }
    }
    return file.has("controlnet_down_blocks.0.weight")
        ? Optional.of(diffusers(file))
        : Optional.empty();
  }

  /** The adapter under our names, or empty. */
  public static Optional<Weights> findAdapter(SafetensorsFile file) {
    for (String prefix : List.of("", "adapter.")) {
      if (file.has(prefix + "body.0.block1.weight")) {
        return Optional.of(FileWeights.below(file, prefix));
      }
    }
    return Optional.empty();
  }

  private static Weights diffusers(SafetensorsFile file) {
    Weights theirs = FileWeights.all(file);
    int residuals = DiffusersNames.residualsOf(theirs);
    int last = 0;
    while (file.has("controlnet_cond_embedding.blocks." + last + ".weight")) {
      last++;
    }
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : file.names()) {
      int dot = name.lastIndexOf('.');
      String module = dot < 0 ? name : name.substring(0, dot);
      String leaf = dot < 0 ? "" : name.substring(dot);
      builder.put(ours(module, residuals, last, theirs) + leaf, file, name);
    }
    return builder.build(file, "");
  }

  private static String ours(String module, int residuals, int hintBlocks, Weights theirs) {
    Matcher zero = ZERO.matcher(module);
    if (zero.matches()) {
      return "zero_convs." + zero.group(1) + ".0";
    }
    Matcher hint = HINT_BLOCK.matcher(module);
    if (hint.matches()) {
      return "input_hint_block." + (2 + 2 * Integer.parseInt(hint.group(1)));
    }
    return switch (module) {
      case "controlnet_mid_block" -> "middle_block_out.0";
      case "controlnet_cond_embedding.conv_in" -> "input_hint_block.0";
      case "controlnet_cond_embedding.conv_out" -> "input_hint_block." + (2 + 2 * hintBlocks);
      default -> DiffusersNames.toOurs(module, residuals, theirs);
    };
  }
}
