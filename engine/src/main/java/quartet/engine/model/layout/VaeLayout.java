package quartet.engine.model.layout;

import java.util.List;
import java.util.Optional;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.safetensors.SafetensorsFile;

/** Where a file keeps an autoencoder. */
public final class VaeLayout {
  private static final List<String> PREFIXES = List.of("first_stage_model.", "vae.", "");

  private VaeLayout() {}

  /** The autoencoder under our names, or empty. */
  public static Optional<Weights> find(SafetensorsFile file) {
    for (String prefix : PREFIXES) {
      if (file.has(prefix + "decoder.up_blocks.0.resnets.0.norm1.weight")) {
        return Optional.of(diffusers(file, prefix));
      }
      if (file.has(prefix + "decoder.conv_in.weight")) {
        return Optional.of(FileWeights.below(file, prefix));
      }
    }
    return Optional.empty();
  }

  /**
   * A tiny autoencoder under our names, {@code decoder.1.weight} and so on, or empty. Its halves
   * may be files of their own.
   */
  public static Optional<Weights> findTiny(List<SafetensorsFile> files) {
    FileWeights.Builder builder = new FileWeights.Builder();
    for (SafetensorsFile file : files) {
      boolean bare = file.has("1.weight") && file.has("3.conv.0.weight");
      boolean bareEncoder = file.has("0.weight") && file.has("1.conv.0.weight");
      for (String name : file.names()) {
        if (name.startsWith("taesd_decoder.") || name.startsWith("taesd_encoder.")) {
          builder.put(name.substring("taesd_".length()), file, name);
        } else if (bare || bareEncoder) {
          builder.put((bare ? "decoder." : "encoder.") + name, file, name);
        }
      }
    }
    if (builder.isEmpty()) {
      return Optional.empty();
    }
    SafetensorsFile first = files.getFirst();
    String id = String.join("+", files.stream().map(SafetensorsFile::sourceId).toList());
    return Optional.of(builder.build(first.path().toString(), id + "#taesd", ""));
  }

  private static Weights diffusers(SafetensorsFile file, String prefix) {
    int levels = 0;
    while (file.has(prefix + "decoder.up_blocks." + levels + ".resnets.0.norm1.weight")) {
      levels++;
    }
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : file.names()) {
      if (name.startsWith(prefix)) {
        builder.put(DiffusersNames.vaeToOurs(name.substring(prefix.length()), levels), file, name);
      }
    }
    return builder.build(file, prefix);
  }
}
