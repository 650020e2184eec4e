package quartet.engine.nodes;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.ModelRefs;

/** Nodes that let a ControlNet or T2I-Adapter steer along with a text. */
final class ControlNodes {
  private static final Input.SocketInput<Conditioning> POSITIVE =
      Input.socket("positive", PortType.CONDITIONING);
  private static final Input.SocketInput<Conditioning> NEGATIVE =
      Input.socket("negative", PortType.CONDITIONING);
  private static final Input.SocketInput<ModelRefs.ControlRef> NET =
      Input.socket("control_net", PortType.CONTROL_NET);
  private static final Input.SocketInput<ImageBatch> IMAGE = Input.socket("image", PortType.IMAGE);
  private static final Input.FloatInput STRENGTH = Input.fraction("strength", 1.0, 0, 10, 0.01);

  private ControlNodes() {}

  static List<Node> all() {
    return List.of(apply(), applyAdvanced());
  }

  private static Node applyAdvanced() {
    Input.FloatInput start = Input.fraction("start_percent", 0, 0, 1, 0.001);
    Input.FloatInput end = Input.fraction("end_percent", 1, 0, 1, 0.001);
    return FunctionNode.of(
        NodeSchema.named("ControlNetApplyAdvanced")
            .display("Apply ControlNet")
            .category("conditioning/controlnet")
            .description("Lets a picture steer both texts in a part of the run.")
            .required(POSITIVE, NEGATIVE, NET, IMAGE, STRENGTH, start, end)
            .optional(Input.socket("vae", PortType.VAE))
            .returns(PortType.CONDITIONING, "positive")
            .returns(PortType.CONDITIONING, "negative"),
        (inputs, context) -> {
          Conditioning positive = inputs.get(POSITIVE);
          Conditioning negative = inputs.get(NEGATIVE);
          if (inputs.get(STRENGTH) == 0) {
            return NodeResult.of(positive, negative);
          }
          Conditioning.ControlUse use =
              new Conditioning.ControlUse(
                  inputs.get(NET),
                  inputs.get(IMAGE),
                  inputs.get(STRENGTH),
                  inputs.get(start),
                  inputs.get(end),
                  false);
          return NodeResult.of(with(positive, use), with(negative, use));
        });
  }

  private static Node apply() {
    Input.SocketInput<Conditioning> conditioning =
        Input.socket("conditioning", PortType.CONDITIONING);
    return FunctionNode.of(
        NodeSchema.named("ControlNetApply")
            .display("Apply ControlNet (OLD)")
            .category("conditioning/controlnet")
            .description("Lets a picture steer a text, and the negative one along with it.")
            .deprecated()
            .required(conditioning, NET, IMAGE, STRENGTH)
            .returns(PortType.CONDITIONING),
        (inputs, context) -> {
          Conditioning.ControlUse use =
              new Conditioning.ControlUse(
                  inputs.get(NET), inputs.get(IMAGE), inputs.get(STRENGTH), 0, 1, true);
          return NodeResult.of(
              inputs.get(STRENGTH) == 0
                  ? inputs.get(conditioning)
                  : with(inputs.get(conditioning), use));
        });
  }

  private static Conditioning with(Conditioning conditioning, Conditioning.ControlUse use) {
    return conditioning.map(
        entry -> {
          List<Conditioning.ControlUse> uses = new ArrayList<>(entry.controls());
          uses.add(use);
          return entry.withControls(uses);
        });
  }
}
