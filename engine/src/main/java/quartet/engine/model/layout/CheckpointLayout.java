package quartet.engine.model.layout;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import quartet.engine.model.blocks.FileWeights;
import quartet.engine.model.blocks.HalfFloats;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.clip.ClipKind;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/**
 * A checkpoint's names for our parts, so that other programs can read what we write: CompVis's for
 * the UNet and the VAE, Stability AI's for the text encoders. Numbers are written as float16.
 */
public final class CheckpointLayout {
  private static final long SMALL = 4096;
  private static final String ONLY_L = "cond_stage_model.transformer.text_model.";
  private static final String ONLY_H = "cond_stage_model.model.";
  private static final String FIRST_L = "conditioner.embedders.0.transformer.text_model.";
  private static final String SECOND_G = "conditioner.embedders.1.model.";
  private static final String ONLY_G = "conditioner.embedders.0.model.";

  private CheckpointLayout() {}

  /** All tensors of a checkpoint under their names, made when they are written. */
  public static Map<String, SafetensorsWriter.Lazy> of(
      Weights diffusion, Weights text, Weights vae) {
    Map<String, SafetensorsWriter.Lazy> all = new LinkedHashMap<>();
    diffusion.names().forEach(name -> put(all, "model.diffusion_model." + name, diffusion, name));
    vae.names().forEach(name -> put(all, "first_stage_model." + name, vae, name));
    boolean two = has(text, ClipKind.L) && has(text, ClipKind.G);
    if (has(text, ClipKind.L)) {
      plain(all, two ? FIRST_L : ONLY_L, text, ClipKind.L.prefix());
    }
    if (has(text, ClipKind.H)) {
      open(all, ONLY_H, text, ClipKind.H.prefix());
    }
    if (has(text, ClipKind.G)) {
      open(all, two ? SECOND_G : ONLY_G, text, ClipKind.G.prefix());
    }
    return all;
  }

  private static boolean has(Weights text, ClipKind kind) {
    return text.has(kind.prefix() + "embeddings.token_embedding.weight");
  }

  private static void plain(
      Map<String, SafetensorsWriter.Lazy> all, String to, Weights text, String from) {
    for (String name : text.names()) {
      if (name.startsWith(from)) {
        put(all, to + name.substring(from.length()), text, name);
      }
    }
  }

  private static void open(
      Map<String, SafetensorsWriter.Lazy> all, String to, Weights text, String from) {
    for (String name : text.names()) {
      if (!name.startsWith(from)) {
        continue;
      }
      String rest = name.substring(from.length());
      if (rest.contains(".self_attn.k_proj.") || rest.contains(".self_attn.v_proj.")) {
        continue; // goes with the queries
      }
      if (rest.contains(".self_attn.q_proj.")) {
        boolean weight = rest.endsWith(".weight");
        String layer = openName(rest.substring(0, rest.indexOf(".self_attn.")) + ".");
        add(
            all,
            to + layer + (weight ? "attn.in_proj_weight" : "attn.in_proj_bias"),
            shape(text, name),
            3,
            () -> packed(text, name));
      } else if (rest.equals("text_projection.weight")) {
        Shape stored = shape(text, name);
        add(
            all,
            to + "text_projection",
            Shape.of(stored.dim(1), stored.dim(0)),
            1,
            () -> FileWeights.transposed(tensor(text, name)));
      } else {
        put(all, to + openName(rest), text, name);
      }
    }
  }

  private static String openName(String rest) {
    return rest.replace("encoder.layers.", "transformer.resblocks.")
        .replace(".layer_norm1.", ".ln_1.")
        .replace(".layer_norm2.", ".ln_2.")
        .replace(".self_attn.out_proj.", ".attn.out_proj.")
        .replace(".mlp.fc1.", ".mlp.c_fc.")
        .replace(".mlp.fc2.", ".mlp.c_proj.")
        .replace("final_layer_norm.", "ln_final.")
        .replace("embeddings.token_embedding.weight", "token_embedding.weight")
        .replace("embeddings.position_embedding.weight", "positional_embedding");
  }

  private static HostTensor packed(Weights text, String query) {
    HostTensor first = tensor(text, query);
    int size = Math.toIntExact(first.shape().elements());
    float[] out = new float[3 * size];
    int at = 0;
    for (String part : List.of("q_proj", "k_proj", "v_proj")) {
      float[] values = tensor(text, query.replace("q_proj", part)).toFloats();
      System.arraycopy(values, 0, out, at, size);
      at += size;
    }
    return HostTensor.of(first.shape().withFirst(3L * first.shape().dim(0)), out);
  }

  private static void put(
      Map<String, SafetensorsWriter.Lazy> all, String to, Weights weights, String name) {
    Shape shape = shape(weights, name);
    // Position ids and the like are vectors of whole numbers; only such are made to be looked at.
    if (shape.rank() < 3 && shape.elements() < SMALL) {
      HostTensor stored = tensor(weights, name);
      if (!stored.dtype().isFloating()) {
        DType dtype = stored.dtype();
        all.put(to, new SafetensorsWriter.Lazy(dtype, shape, () -> tensor(weights, name)));
        return;
      }
    }
    add(all, to, shape, 1, () -> tensor(weights, name));
  }

  private static void add(
      Map<String, SafetensorsWriter.Lazy> all,
      String to,
      Shape shape,
      int times,
      Supplier<HostTensor> maker) {
    Shape whole = times == 1 ? shape : shape.withFirst((long) times * shape.dim(0));
    all.put(to, new SafetensorsWriter.Lazy(DType.F16, whole, () -> HalfFloats.of(maker.get())));
  }

  private static Shape shape(Weights weights, String name) {
    return Objects.requireNonNull(weights.shapeOrNull(name), name);
  }

  private static HostTensor tensor(Weights weights, String name) {
    return Objects.requireNonNull(weights.tensorOrNull(name), name);
  }
}
