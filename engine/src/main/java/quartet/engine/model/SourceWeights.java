package quartet.engine.model;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.lora.LoraFile;
import quartet.engine.model.lora.LoraNames;
import quartet.engine.model.lora.LoraWeights;
import quartet.engine.value.PartSource;
import quartet.safetensors.SafetensorsFile;

/**
 * The weights that a {@link PartSource} describes.
 *
 * @param files opens a file, or gives the one that is open already
 */
public record SourceWeights(Function<Path, SafetensorsFile> files) {
  /** Which part of a model. */
  public enum Part {
    /** The denoising network. */
    DIFFUSION,
    /** The text encoders. */
    TEXT,
    /** The autoencoder. */
    VAE
  }

  /**
   * The weights under our names.
   *
   * @throws quartet.errors.EngineException if a file does not hold that part
   */
  public Weights of(PartSource source, Part part) {
    return switch (source) {
      case PartSource.Files stored -> stored(stored.files(), part);
      case PartSource.WithLora changed -> {
        Weights base = of(changed.base(), part);
        LoraFile lora = LoraFile.of(files.apply(changed.lora()));
        if (part == Part.DIFFUSION && !lora.changesText()) {
          LoraWeights.requireAny(lora, names(base, part), base);
        }
        yield LoraWeights.of(base, lora, names(base, part), changed.strength());
      }
      case PartSource.Merged merged ->
          new MergedWeights(of(merged.first(), part), of(merged.second(), part), merged.shares());
    };
  }

  /** The file that says what its shapes do not show. */
  public static Path firstFile(PartSource source) {
    return switch (source) {
      case PartSource.Files stored -> stored.files().getFirst();
      case PartSource.WithLora changed -> firstFile(changed.base());
      case PartSource.Merged merged -> firstFile(merged.first());
    };
  }

  private Weights stored(List<Path> paths, Part part) {
    List<SafetensorsFile> opened = paths.stream().map(files).toList();
    return switch (part) {
      case DIFFUSION -> Architectures.requireUNet(opened.getFirst());
      case TEXT -> CheckpointModels.textWeights(opened);
      case VAE -> CheckpointModels.vaeWeights(opened);
    };
  }

  private static LoraNames names(Weights base, Part part) {
    return switch (part) {
      case DIFFUSION -> LoraNames.ofUNet(base);
      case TEXT -> LoraNames.ofText(base);
      case VAE -> module -> List.of();
    };
  }
}
