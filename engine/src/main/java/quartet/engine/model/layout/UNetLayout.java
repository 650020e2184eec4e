package quartet.engine.model.layout;

import java.util.List;
import java.util.Optional;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.safetensors.SafetensorsFile;

/** Where a file keeps a UNet. */
public final class UNetLayout {
  /** In checkpoints, in files that other tools saved, and in UNets alone. */
  private static final List<String> PREFIXES =
      List.of("model.diffusion_model.", "diffusion_model.", "");

  private UNetLayout() {}

  /** The UNet under our names, or empty. */
  public static Optional<Weights> find(SafetensorsFile file) {
    for (String prefix : PREFIXES) {
      if (file.has(prefix + "input_blocks.0.0.weight") && file.has(prefix + "out.2.weight")) {
        return Optional.of(FileWeights.below(file, prefix));
      }
    }
    for (String prefix : List.of("unet.", "")) {
      if (file.has(prefix + "down_blocks.0.resnets.0.conv1.weight")
          && file.has(prefix + "time_embedding.linear_1.weight")) {
        return Optional.of(diffusers(file, prefix));
      }
    }
    return Optional.empty();
  }

  private static Weights diffusers(SafetensorsFile file, String prefix) {
    Weights theirs = FileWeights.below(file, prefix);
    int residuals = DiffusersNames.residualsOf(theirs);
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : theirs.names()) {
      int dot = name.lastIndexOf('.');
      String module = dot < 0 ? name : name.substring(0, dot);
      String leaf = dot < 0 ? "" : name.substring(dot);
      builder.put(
          DiffusersNames.toOurs(module, residuals, theirs) + leaf, file, theirs.nameInFile(name));
    }
    return builder.build(file, prefix);
  }
}
