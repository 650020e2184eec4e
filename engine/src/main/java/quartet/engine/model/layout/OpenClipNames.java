package quartet.engine.model.layout;

import java.util.List;
import quartet.engine.model.blocks.FileWeights;
import quartet.safetensors.SafetensorsFile;

/** OpenCLIP's names for a transformer's tensors as those of huggingface/transformers. */
final class OpenClipNames {
  private OpenClipNames() {}

  /** One tensor of OpenCLIP: queries, keys and values stand in one matrix there. */
  static void put(
      FileWeights.Builder builder, SafetensorsFile file, String name, String to, String rest) {
    String block = rest.replace("transformer.resblocks.", "encoder.layers.");
    if (rest.endsWith(".attn.in_proj_weight") || rest.endsWith(".attn.in_proj_bias")) {
      String leaf = rest.endsWith("_weight") ? ".weight" : ".bias";
      String layer = block.substring(0, block.lastIndexOf(".attn.")) + ".self_attn.";
      int third = file.tensor(name).shape().dim(0) / 3;
      List<String> names = List.of("q_proj", "k_proj", "v_proj");
      for (int i = 0; i < names.size(); i++) {
        int part = i;
        builder.put(
            to + layer + names.get(i) + leaf,
            file,
            name,
            tensor -> tensor.rows((long) part * third, (long) (part + 1) * third));
      }
    } else if (rest.equals("text_projection")) {
      builder.put(to + "text_projection.weight", file, name, FileWeights::transposed);
    } else {
      String ours =
          block
              .replace(".ln_1.", ".layer_norm1.")
              .replace(".ln_2.", ".layer_norm2.")
              .replace(".attn.out_proj.", ".self_attn.out_proj.")
              .replace(".mlp.c_fc.", ".mlp.fc1.")
              .replace(".mlp.c_proj.", ".mlp.fc2.")
              .replace("ln_final.", "final_layer_norm.");
      ours = ours.equals("token_embedding.weight") ? "embeddings.token_embedding.weight" : ours;
      ours = ours.equals("positional_embedding") ? "embeddings.position_embedding.weight" : ours;
      builder.put(to + ours, file, name);
    }
  }
}
