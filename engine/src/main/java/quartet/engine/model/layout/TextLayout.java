package quartet.engine.model.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.clip.ClipKind;
import quartet.safetensors.SafetensorsFile;

/**
 * Where files keep CLIP text encoders. Ours are named {@code clip_l.}, {@code clip_h.}, {@code
 * clip_g.} and then as in huggingface/transformers {@code CLIPTextModel}; OpenCLIP's own names are
 * read too.
 */
public final class TextLayout {
  /** Layers from which on a text encoder alone is taken for a larger one. */
  private static final int LAYERS_OF_H = 23;

  private static final int LAYERS_OF_G = 31;

  private static final String TOKENS = "embeddings.token_embedding.weight";
  private static final String OPEN_TOKENS = "token_embedding.weight";

  private TextLayout() {}

  private record Place(String prefix, Optional<ClipKind> kind) {}

  /** In the order in which they are looked for; a kind that is not said is told by the layers. */
  private static final List<Place> PLACES =
      List.of(
          new Place("cond_stage_model.transformer.text_model.", Optional.of(ClipKind.L)),
          new Place("cond_stage_model.transformer.", Optional.of(ClipKind.L)),
          new Place("cond_stage_model.model.", Optional.of(ClipKind.H)),
          new Place("conditioner.embedders.0.transformer.text_model.", Optional.of(ClipKind.L)),
          new Place("conditioner.embedders.0.model.", Optional.of(ClipKind.G)),
          new Place("conditioner.embedders.1.model.", Optional.of(ClipKind.G)),
          new Place("clip_l.transformer.text_model.", Optional.of(ClipKind.L)),
          new Place("clip_h.transformer.text_model.", Optional.of(ClipKind.H)),
          new Place("clip_g.transformer.text_model.", Optional.of(ClipKind.G)),
          new Place("text_model.", Optional.empty()),
          new Place("", Optional.empty()));

  /** The text encoders of one or more files, or empty if there is none. */
  public static Optional<Weights> find(List<SafetensorsFile> files) {
    FileWeights.Builder builder = new FileWeights.Builder();
    List<String> origins = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    String prefix = "";
    for (SafetensorsFile file : files) {
      for (Place place : PLACES) {
        boolean ours = file.has(place.prefix() + TOKENS);
        if (ours || file.has(place.prefix() + OPEN_TOKENS)) {
          ClipKind kind = place.kind().orElseGet(() -> kind(file, place.prefix()));
          put(builder, file, place.prefix(), kind, ours);
          prefix = place.prefix();
        }
      }
      origins.add(file.path().toString());
      ids.add(file.sourceId());
    }
    return builder.isEmpty()
        ? Optional.empty()
        : Optional.of(
            builder.build(String.join(" and ", origins), String.join("+", ids) + "#clip", prefix));
  }

  private static ClipKind kind(SafetensorsFile file, String prefix) {
    Optional<String> hint = CheckpointHints.of(file).text("encoder");
    if (hint.isPresent()) {
      return ClipKind.valueOf(hint.get().toUpperCase(Locale.ROOT));
    }
    int layers = 0;
    while (file.has(prefix + "encoder.layers." + layers + ".layer_norm1.weight")
        || file.has(prefix + "transformer.resblocks." + layers + ".ln_1.weight")) {
      layers++;
    }
    return layers >= LAYERS_OF_G ? ClipKind.G : layers >= LAYERS_OF_H ? ClipKind.H : ClipKind.L;
  }

  private static void put(
      FileWeights.Builder builder,
      SafetensorsFile file,
      String prefix,
      ClipKind kind,
      boolean ours) {
    for (String name : file.names()) {
      if (name.startsWith(prefix)) {
        String rest = name.substring(prefix.length());
        if (ours) {
          builder.put(kind.prefix() + rest, file, name);
        } else {
          OpenClipNames.put(builder, file, name, kind.prefix(), rest);
        }
      }
    }
    // Beside the transformer rather than in it: text_model.… and text_projection.weight.
    String parent = prefix.replaceFirst("text_model\\.$", "");
    String projection = parent + "text_projection.weight";
    if (ours && !parent.equals(prefix) && file.has(projection)) {
      builder.put(kind.prefix() + "text_projection.weight", file, projection);
    }
  }
}
