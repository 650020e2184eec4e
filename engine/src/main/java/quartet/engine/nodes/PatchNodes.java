package quartet.engine.nodes;

import java.util.List;
import java.util.function.BiFunction;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelOptions;
import quartet.engine.value.ModelRefs;

/** Nodes that change what happens inside a model's network, or ask it a second time. */
final class PatchNodes {
  private static final String UNET = "model_patches/unet";

  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);

  private PatchNodes() {}

  static List<Node> all() {
    return List.of(
        freeU("FreeU", 1.1, 1.2, false),
        freeU("FreeU_V2", 1.3, 1.4, true),
        hyperTile(),
        perturbedAttention(),
        selfAttention());
  }

  private static NodeSchema.Builder schema(String name, String category, String extra) {
    return NodeSchema.named(name).category(category).extra(extra).newer().returns(PortType.MODEL);
  }

  /** A node that hands its model on with other options. */
  private static Node changing(
      NodeSchema.Builder schema, BiFunction<ModelOptions, NodeInputs, ModelOptions> change) {
    return FunctionNode.of(
        schema,
        (inputs, context) -> {
          ModelRefs.ModelRef model = inputs.get(MODEL);
          return NodeResult.of(model.with(change.apply(model.options(), inputs)));
        });
  }

  private static Node freeU(String name, double first, double second, boolean byMean) {
    Input.FloatInput b1 = Input.fraction("b1", first, 0, 10, 0.01);
    Input.FloatInput b2 = Input.fraction("b2", second, 0, 10, 0.01);
    Input.FloatInput s1 = Input.fraction("s1", 0.9, 0, 10, 0.01);
    Input.FloatInput s2 = Input.fraction("s2", 0.2, 0, 10, 0.01);
    return changing(
        schema(name, UNET, "nodes_freelunch")
            .description("Strengthens what the network makes against what it looks back at.")
            .required(MODEL, b1, b2, s1, s2),
        (options, inputs) ->
            options.withFreeU(
                new ModelOptions.FreeU(
                    inputs.get(b1), inputs.get(b2), inputs.get(s1), inputs.get(s2), byMean)));
  }

  private static Node hyperTile() {
    Input.IntInput tile = Input.integer("tile_size", 256, 1, 2048, 1);
    Input.IntInput swap = Input.integer("swap_size", 2, 1, 128, 1);
    Input.IntInput depth = Input.integer("max_depth", 0, 0, 10, 1);
    Input.BooleanInput scale = Input.flag("scale_depth", false);
    return changing(
        schema("HyperTile", UNET, "nodes_hypertile")
            .description("Lets pixels attend within tiles, which makes large pictures faster.")
            .required(MODEL, tile, swap, depth, scale),
        (options, inputs) ->
            options.withHyperTile(
                new ModelOptions.HyperTile(
                    inputs.getInt(tile),
                    inputs.getInt(swap),
                    inputs.getInt(depth),
                    inputs.get(scale))));
  }

  private static Node perturbedAttention() {
    Input.FloatInput scale = new Input.FloatInput("scale", 3.0, 0, 100, 0.01, 0.01);
    return changing(
        schema("PerturbedAttentionGuidance", UNET, "nodes_pag")
            .description("Pushes predictions away from those without attention in the middle.")
            .required(MODEL, scale),
        (options, inputs) -> options.withPerturbedAttention(inputs.get(scale)));
  }

  private static Node selfAttention() {
    Input.FloatInput scale = Input.fraction("scale", 0.5, -2, 5, 0.01);
    Input.FloatInput sigma = Input.fraction("blur_sigma", 2.0, 0, 10, 0.1);
    return changing(
        schema("SelfAttentionGuidance", "_for_testing", "nodes_sag")
            .display("Self-Attention Guidance")
            .experimental()
            .description(
                "Pushes predictions away from those of a picture blurred where it matters.")
            .required(MODEL, scale, sigma),
        (options, inputs) ->
            options.withSelfAttention(
                new ModelOptions.SelfAttentionChoice(inputs.get(scale), inputs.get(sigma))));
  }
}
