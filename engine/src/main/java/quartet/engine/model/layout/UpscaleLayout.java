package quartet.engine.model.layout;

import java.util.List;
import java.util.Optional;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.safetensors.SafetensorsFile;

/** Where a file keeps an upscale model of ESRGAN's family. */
public final class UpscaleLayout {
  private static final List<String> PREFIXES = List.of("", "params_ema.", "params.", "module.");

  private UpscaleLayout() {}

  /** The network under our names, which are Real-ESRGAN's, or empty. */
  public static Optional<Weights> find(SafetensorsFile file) {
    for (String prefix : PREFIXES) {
      if (file.has(prefix + "conv_first.weight") && file.has(prefix + "body.0.rdb1.conv1.weight")) {
        return Optional.of(FileWeights.below(file, prefix));
      }
      if (file.has(prefix + "conv_first.weight")
          && file.has(prefix + "RRDB_trunk.0.RDB1.conv1.weight")) {
        return Optional.of(renamed(file, prefix, UpscaleLayout::trunk));
      }
      if (file.has(prefix + "model.0.weight")
          && file.has(prefix + "model.1.sub.0.RDB1.conv1.0.weight")) {
        return Optional.of(sequential(file, prefix));
      }
    }
    return Optional.empty();
  }

  @FunctionalInterface
  private interface Renaming {
    String apply(String name);
  }

  private static Weights renamed(SafetensorsFile file, String prefix, Renaming renaming) {
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : file.names()) {
      if (name.startsWith(prefix)) {
        builder.put(renaming.apply(name.substring(prefix.length())), file, name);
      }
    }
    return builder.build(file, prefix);
  }

  private static String trunk(String name) {
    return name.replace("RRDB_trunk.", "body.")
        .replace(".RDB", ".rdb")
        .replace("trunk_conv.", "conv_body.")
        .replace("upconv", "conv_up")
        .replace("HRconv.", "conv_hr.");
  }

  /** The oldest form: a list of modules by number, of which the last two are not enlargements. */
  private static Weights sequential(SafetensorsFile file, String prefix) {
    int blocks = 0;
    while (file.has(prefix + "model.1.sub." + blocks + ".RDB1.conv1.0.weight")) {
      blocks++;
    }
    int count = blocks;
    List<Integer> numbers =
        file.names().stream()
            .filter(
                name ->
                    name.matches(java.util.regex.Pattern.quote(prefix) + "model\\.\\d+\\.weight"))
            .map(name -> Integer.parseInt(name.replaceAll(".*model\\.(\\d+)\\.weight", "$1")))
            .filter(number -> number > 1)
            .sorted()
            .toList();
    return renamed(
        file,
        prefix,
        name -> {
          String ours =
              name.replace("model.0.", "conv_first.")
                  .replace("model.1.sub." + count + ".", "conv_body.")
                  .replaceFirst(
                      "^model\\.1\\.sub\\.(\\d+)\\.RDB(\\d)\\.conv(\\d)\\.0\\.",
                      "body.$1.rdb$2.conv$3.");
          for (int i = 0; i < numbers.size(); i++) {
            String from = "model." + numbers.get(i) + ".";
            if (ours.startsWith(from)) {
              String to =
                  i == numbers.size() - 1
                      ? "conv_last."
                      : i == numbers.size() - 2 ? "conv_hr." : "conv_up" + (i + 1) + ".";
              return to + ours.substring(from.length());
            }
          }
          return ours;
        });
  }
}
