package quartet.engine.files;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The folder keys by which nodes and clients name kinds of models, and where each looks below
 * {@code models}. Source: comfyui-protocol, folder keys.
 */
public final class ModelKeys {
  /** Plug-ins; the one key outside {@code models}. */
  static final String CUSTOM_NODES = "custom_nodes";

  private static final Map<String, List<String>> SUBFOLDERS = subfolders();

  /** Keys whose files do not end as model files do. */
  private static final Map<String, Set<String>> SUFFIXES =
      Map.of(
          "configs",
          Set.of(".yaml"),
          "diffusers",
          Set.of("/"), // folders, not files: nothing ends like this
          "classifiers",
          Set.of(""),
          CUSTOM_NODES,
          Set.of(".jar"));

  private ModelKeys() {}

  private static Map<String, List<String>> subfolders() {
    Map<String, List<String>> keys = new LinkedHashMap<>();
    keys.put("checkpoints", List.of("checkpoints"));
    keys.put("configs", List.of("configs"));
    keys.put("loras", List.of("loras"));
    keys.put("vae", List.of("vae"));
    keys.put("text_encoders", List.of("text_encoders", "clip"));
    keys.put("diffusion_models", List.of("unet", "diffusion_models"));
    keys.put("clip_vision", List.of("clip_vision"));
    keys.put("style_models", List.of("style_models"));
    keys.put("embeddings", List.of("embeddings"));
    keys.put("diffusers", List.of("diffusers"));
    keys.put("vae_approx", List.of("vae_approx"));
    keys.put("controlnet", List.of("controlnet", "t2i_adapter"));
    keys.put("gligen", List.of("gligen"));
    keys.put("upscale_models", List.of("upscale_models"));
    keys.put("latent_upscale_models", List.of("latent_upscale_models"));
    keys.put(CUSTOM_NODES, List.of());
    keys.put("hypernetworks", List.of("hypernetworks"));
    keys.put("photomaker", List.of("photomaker"));
    keys.put("classifiers", List.of("classifiers"));
    keys.put("model_patches", List.of("model_patches"));
    keys.put("audio_encoders", List.of("audio_encoders"));
    return java.util.Collections.unmodifiableMap(keys);
  }

  /** All keys in the order in which clients list them. */
  public static List<String> all() {
    return List.copyOf(SUBFOLDERS.keySet());
  }

  /** Whether there is such a key. */
  public static boolean exists(String key) {
    return SUBFOLDERS.containsKey(key);
  }

  static List<String> subfolders(String key) {
    return SUBFOLDERS.getOrDefault(key, List.of(key));
  }

  static Optional<Set<String>> suffixes(String key) {
    return Optional.ofNullable(SUFFIXES.get(key));
  }
}
