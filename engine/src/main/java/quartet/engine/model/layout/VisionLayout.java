package quartet.engine.model.layout;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.clip.ClipKind;
import quartet.safetensors.SafetensorsFile;

/**
 * Where files keep CLIP vision towers and style adapters. A tower's names are those of
 * huggingface/transformers {@code CLIPVisionModelWithProjection}; OpenCLIP's own, alone or in an
 * unCLIP checkpoint, are read too.
 */
public final class VisionLayout {
  private static final List<String> OPEN_PREFIXES = List.of("embedder.model.visual.", "visual.");
  private static final String TOWER = "vision_model.";
  private static final String PROJECTION = "visual_projection.weight";

  /** Layers from which on a tower is taken for a larger one. Source: ComfyUI (behaviour). */
  private static final int LAYERS_OF_L = 23;

  private static final int LAYERS_OF_H = 31;
  private static final int LAYERS_OF_G = 48;

  private VisionLayout() {}

  /** The tower under our names, or empty. */
  public static Optional<Weights> findTower(SafetensorsFile file) {
    if (file.has(TOWER + "embeddings.class_embedding") && file.has(PROJECTION)) {
      FileWeights.Builder builder = new FileWeights.Builder();
      for (String name : file.names()) {
        if (name.startsWith(TOWER) || name.equals(PROJECTION)) {
          builder.put(name, file, name);
        }
      }
      return Optional.of(builder.build(file, ""));
    }
    return OPEN_PREFIXES.stream()
        .filter(prefix -> file.has(prefix + "class_embedding"))
        .findFirst()
        .map(prefix -> open(file, prefix));
  }

  private static Weights open(SafetensorsFile file, String prefix) {
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : file.names()) {
      if (!name.startsWith(prefix)) {
        continue;
      }
      String rest = name.substring(prefix.length());
      switch (rest) {
        case "class_embedding" -> builder.put(TOWER + "embeddings.class_embedding", file, name);
        case "conv1.weight" -> builder.put(TOWER + "embeddings.patch_embedding.weight", file, name);
        case "proj" -> builder.put(PROJECTION, file, name, FileWeights::transposed);
        default ->
            OpenClipNames.put(
                builder,
                file,
                name,
                TOWER,
                rest.replaceFirst("^ln_pre", "pre_layrnorm")
                    .replaceFirst("^ln_post", "post_layernorm"));
      }
    }
    return builder.build(file, prefix);
  }

  /** Which of CLIP's towers it is, by its depth; empty for one of another family. */
  public static Optional<ClipKind> kind(Weights tower, CheckpointHints hints) {
    Optional<String> hint = hints.text("encoder");
    if (hint.isPresent()) {
      return Optional.of(ClipKind.valueOf(hint.get().toUpperCase(Locale.ROOT)));
    }
    int layers = 0;
    while (tower.has(TOWER + "encoder.layers." + layers + ".layer_norm1.weight")) {
      layers++;
    }
    if (layers < LAYERS_OF_L) {
      return Optional.empty();
    }
    return Optional.of(
        layers >= LAYERS_OF_G ? ClipKind.G : layers >= LAYERS_OF_H ? ClipKind.H : ClipKind.L);
  }

  /** A style adapter under our names, or empty. */
  public static Optional<Weights> findStyle(SafetensorsFile file) {
    if (!file.has("style_embedding")) {
      return Optional.empty();
    }
    FileWeights.Builder builder = new FileWeights.Builder();
    for (String name : file.names()) {
      if (name.equals("proj")) {
        builder.put("proj.weight", file, name, FileWeights::transposed);
      } else {
        String rest = name.replaceFirst("^transformer_layes\\.", "transformer.resblocks.");
        OpenClipNames.put(builder, file, name, "", rest);
      }
    }
    return Optional.of(builder.build(file, ""));
  }
}
