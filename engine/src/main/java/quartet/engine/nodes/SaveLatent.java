package quartet.engine.nodes;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import quartet.engine.files.OutputNames;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.LatentBatch;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/** Writes latents into the output folder. */
final class SaveLatent implements Node {
  /** Says that the numbers are the VAE's own, as newer files' are. */
  static final String MARK = "latent_format_version_0";

  static final String TENSOR = "latent_tensor";
  static final String SUFFIX = ".latent";

  private static final Input.SocketInput<LatentBatch> SAMPLES =
      Input.socket("samples", PortType.LATENT);
  private static final Input.StringInput PREFIX = Input.text("filename_prefix", "latents/ComfyUI");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("SaveLatent")
        .category("_for_testing")
        .description("Saves latents as a file that LoadLatent reads.")
        .required(SAMPLES, PREFIX)
        .hidden(NodeSchema.Hidden.PROMPT, NodeSchema.Hidden.EXTRA_PNGINFO)
        .outputNode()
        .hostOnly()
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    LatentBatch latent = inputs.get(SAMPLES);
    OutputNames.Target target =
        OutputNames.target(
            context.files().output(),
            inputs.get(PREFIX),
            latent.width(),
            latent.height(),
            LocalDateTime.now(ZoneId.systemDefault()));
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    Shape shape = Shape.of(latent.batch(), latent.channels(), latent.height(), latent.width());
    tensors.put(TENSOR, HostTensor.of(shape, latent.values()));
    tensors.put(MARK, HostTensor.of(Shape.of(0), new float[0]));
    Path unfinished = OutputNames.unfinished(target);
    SafetensorsWriter.write(
        unfinished, tensors, context.writeMetadata() ? ImageFiles.metadata(context) : Map.of());
    Path file = OutputNames.publish(target, 0, unfinished, SUFFIX);
    ObjectNode ui = JsonNodeFactory.instance.objectNode();
    ui.putArray("latents")
        .addObject()
        .put("filename", file.getFileName().toString())
        .put("subfolder", target.subfolder())
        .put("type", "output");
    return NodeResult.shown(ui);
  }
}
