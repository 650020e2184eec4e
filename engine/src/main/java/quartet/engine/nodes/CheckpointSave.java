package quartet.engine.nodes;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.engine.files.OutputNames;
import quartet.engine.model.SourceWeights;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.layout.CheckpointLayout;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;

/** Writes model, text encoder and VAE as one checkpoint, with all changes in it. */
final class CheckpointSave implements Node {
  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);
  private static final Input.SocketInput<ModelRefs.ClipRef> CLIP =
      Input.socket("clip", PortType.CLIP);
  private static final Input.SocketInput<ModelRefs.VaeRef> VAE = Input.socket("vae", PortType.VAE);
  private static final Input.StringInput PREFIX =
      Input.text("filename_prefix", "checkpoints/ComfyUI");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("CheckpointSave")
        .display("Save Checkpoint")
        .category("advanced/model_merging")
        .extra("nodes_model_merging")
        .description("Saves a checkpoint with merges and LoRAs in its weights.")
        .required(MODEL, CLIP, VAE, PREFIX)
        .hidden(NodeSchema.Hidden.PROMPT, NodeSchema.Hidden.EXTRA_PNGINFO)
        .outputNode()
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    OutputNames.Target target =
        OutputNames.target(
            context.files().output(),
            inputs.get(PREFIX),
            0,
            0,
            LocalDateTime.now(ZoneId.systemDefault()));
    Map<String, String> metadata = new LinkedHashMap<>();
    if (context.writeMetadata()) {
      metadata.putAll(ImageFiles.metadata(context));
    }
    ModelRefs.ModelRef model = inputs.get(MODEL);
    hints(SourceWeights.firstFile(model.source()))
        .ifPresent(config -> metadata.put("config", config));
    Path unfinished = OutputNames.unfinished(target);
    context
        .models()
        .weights(
            model.source(),
            SourceWeights.Part.DIFFUSION,
            diffusion -> withRest(inputs, context, diffusion, unfinished, metadata));
    OutputNames.publish(target, 0, unfinished, ".safetensors");
    return NodeResult.shown(JsonNodeFactory.instance.objectNode());
  }

  /** All three parts' files stay open while the file is written. */
  private static boolean withRest(
      NodeInputs inputs,
      NodeContext context,
      Weights diffusion,
      Path unfinished,
      Map<String, String> metadata) {
    return context
        .models()
        .weights(
            inputs.get(CLIP).source(),
            SourceWeights.Part.TEXT,
            text ->
                context
                    .models()
                    .weights(
                        stored(inputs.get(VAE)),
                        SourceWeights.Part.VAE,
                        vae -> {
                          SafetensorsWriter.writeLazily(
                              unfinished, CheckpointLayout.of(diffusion, text, vae), metadata);
                          return true;
                        }));
  }

  private static PartSource stored(ModelRefs.VaeRef vae) {
    return switch (vae) {
      case ModelRefs.VaeRef.Stored stored -> stored.source();
      case ModelRefs.VaeRef.Pixels ignored ->
          throw new EngineException(
              ModelErrorCode.MODEL_INPUT_UNFIT,
              "The VAE 'pixel_space' has no weights that a checkpoint could hold. Link the VAE of a checkpoint or of a file.");
    };
  }

  private static Optional<String> hints(Path file) {
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      @Nullable String config = opened.metadata().get("config");
      return Optional.ofNullable(config);
    }
  }
}
