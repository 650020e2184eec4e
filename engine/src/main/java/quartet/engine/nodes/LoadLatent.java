package quartet.engine.nodes;

import java.util.Map;
import java.util.Optional;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.HostTensor;

/** Reads latents from the input folder. */
final class LoadLatent implements Node {
  /** What files of the first kind were multiplied by. */
  private static final float OLD_SCALE = 1f / 0.18215f;

  private static final int RANK = 4;

  private static final Input.ComboInput LATENT =
      Input.choice("latent", catalog -> catalog.inputFiles(SaveLatent.SUFFIX));

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("LoadLatent")
        .category("_for_testing")
        .description("Reads latents that SaveLatent wrote, from the input folder.")
        .required(LATENT)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return constants.find(LATENT).map(name -> LoadImage.sha256(files.image(name)));
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    String name = inputs.get(LATENT);
    try (SafetensorsFile file = SafetensorsFile.open(context.files().image(name))) {
      HostTensor tensor = file.tensorOrNull(SaveLatent.TENSOR);
      if (tensor == null || tensor.shape().rank() != RANK) {
        throw new EngineException(
            ModelErrorCode.MODEL_INPUT_UNFIT,
            "'%s' holds no latent [B, C, H, W] under '%s'.".formatted(name, SaveLatent.TENSOR),
            Map.of("file", name),
            null);
      }
      float[] values = tensor.toFloats();
      if (!file.has(SaveLatent.MARK)) {
        for (int i = 0; i < values.length; i++) {
          values[i] *= OLD_SCALE;
        }
      }
      return NodeResult.of(
          new LatentBatch(
              values,
              tensor.shape().dim(0),
              tensor.shape().dim(1),
              tensor.shape().dim(2),
              tensor.shape().dim(3),
              null,
              null));
    }
  }
}
