package quartet.engine.nodes;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.FlowSchedule;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ModelOptions;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;

/** Nodes that change how a model is sampled, or merge models. */
final class ModelNodes {
  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);
  private static final Input.SocketInput<ModelRefs.ModelRef> FIRST =
      Input.socket("model1", PortType.MODEL);
  private static final Input.SocketInput<ModelRefs.ModelRef> SECOND =
      Input.socket("model2", PortType.MODEL);

  private ModelNodes() {}

  static List<Node> all() {
    return List.of(
        samplingDiscrete(),
        samplingSd3(),
        samplingAuraFlow(),
        samplingFlux(),
        rescaleCfg(),
        perpNeg(),
        mergeSimple(),
        mergeAdd(),
        mergeSubtract(),
        mergeBlocks(),
        clipMergeSimple());
  }

  private static Node samplingDiscrete() {
    Input.ComboInput sampling =
        Input.choice("sampling", "eps", "v_prediction", "lcm", "x0", "img_to_img");
    Input.BooleanInput zsnr = Input.flag("zsnr", false);
    return FunctionNode.of(
        NodeSchema.named("ModelSamplingDiscrete")
            .category("advanced/model")
            .extra("nodes_model_advanced")
            .description("What a model's output is taken for.")
            .required(MODEL, sampling, zsnr)
            .returns(PortType.MODEL),
        (inputs, context) -> {
          ModelOptions.Output output =
              switch (inputs.get(sampling)) {
                case "v_prediction" -> ModelOptions.Output.V_PREDICTION;
                case "lcm" -> ModelOptions.Output.LCM;
                case "x0" -> ModelOptions.Output.X0;
                case "img_to_img" -> ModelOptions.Output.IMG_TO_IMG;
                default -> ModelOptions.Output.EPS;
              };
          ModelRefs.ModelRef model = inputs.get(MODEL);
          return NodeResult.of(
              model.with(
                  model
                      .options()
                      .withSampling(
                          new ModelOptions.SamplingChoice.Discrete(output, inputs.get(zsnr)))));
        });
  }

  private static NodeSchema.Builder flow(String name) {
    return NodeSchema.named(name)
        .category("advanced/model")
        .extra("nodes_model_advanced")
        .returns(PortType.MODEL);
  }

  private static NodeResult sampled(
      ModelRefs.ModelRef model, ModelOptions.SamplingChoice.Flow choice) {
    FlowSchedule.requireShift(choice.shift());
    return NodeResult.of(model.with(model.options().withSampling(choice)));
  }

  private static Node samplingSd3() {
    Input.FloatInput shift = Input.fraction("shift", 3.0, 0, 100, 0.01);
    return FunctionNode.of(
        flow("ModelSamplingSD3")
            .description("Samples a model as a rectified flow, as Stable Diffusion 3 is.")
            .required(MODEL, shift),
        (inputs, context) ->
            sampled(
                inputs.get(MODEL),
                new ModelOptions.SamplingChoice.Flow(inputs.get(shift), FlowSchedule.STEPS)));
  }

  private static Node samplingAuraFlow() {
    Input.FloatInput shift = Input.fraction("shift", 1.73, 0, 100, 0.01);
    return FunctionNode.of(
        flow("ModelSamplingAuraFlow")
            .description(
                "Samples a model as a rectified flow whose network is told the noise's share.")
            .required(MODEL, shift),
        (inputs, context) ->
            sampled(inputs.get(MODEL), new ModelOptions.SamplingChoice.Flow(inputs.get(shift), 1)));
  }

  private static Node samplingFlux() {
    Input.FloatInput most = Input.fraction("max_shift", 1.15, 0, 100, 0.01);
    Input.FloatInput base = Input.fraction("base_shift", 0.5, 0, 100, 0.01);
    Input.IntInput width = Input.integer("width", 1024, 16, CoreNodes.MAX_RESOLUTION, 8);
    Input.IntInput height = Input.integer("height", 1024, 16, CoreNodes.MAX_RESOLUTION, 8);
    return FunctionNode.of(
        flow("ModelSamplingFlux")
            .description(
                "Samples a model as a rectified flow, with more noise for larger pictures, as Flux is.")
            .required(MODEL, most, base, width, height),
        (inputs, context) -> {
          ModelRefs.ModelRef model = inputs.get(MODEL);
          double mu =
              FlowSchedule.fluxShift(
                  inputs.get(most), inputs.get(base), inputs.getInt(width), inputs.getInt(height));
          return NodeResult.of(
              model.with(
                  model.options().withSampling(new ModelOptions.SamplingChoice.FluxFlow(mu))));
        });
  }

  private static Node rescaleCfg() {
    Input.FloatInput multiplier = Input.fraction("multiplier", 0.7, 0, 1, 0.01);
    return FunctionNode.of(
        NodeSchema.named("RescaleCFG")
            .category("advanced/model")
            .extra("nodes_model_advanced")
            .description("Keeps strong guidance from burning a picture out.")
            .required(MODEL, multiplier)
            .returns(PortType.MODEL),
        (inputs, context) -> {
          ModelRefs.ModelRef model = inputs.get(MODEL);
          return NodeResult.of(model.with(model.options().withRescaleCfg(inputs.get(multiplier))));
        });
  }

  private static Node perpNeg() {
    Input.SocketInput<Conditioning> empty =
        Input.socket("empty_conditioning", PortType.CONDITIONING);
    Input.FloatInput scale = Input.fraction("neg_scale", 1.0, 0, 100, 0.01);
    return FunctionNode.of(
        NodeSchema.named("PerpNeg")
            .display("Perp-Neg (DEPRECATED by PerpNegGuider)")
            .category("_for_testing")
            .extra("nodes_perpneg")
            .newer()
            .deprecated()
            .experimental()
            .description("Avoids that part of the negative text which is not in the positive one.")
            .required(MODEL, empty, scale)
            .returns(PortType.MODEL),
        (inputs, context) -> {
          ModelRefs.ModelRef model = inputs.get(MODEL);
          return NodeResult.of(
              model.with(
                  model
                      .options()
                      .withPerpNeg(
                          new ModelOptions.PerpNegChoice(inputs.get(empty), inputs.get(scale)))));
        });
  }

  private static NodeSchema.Builder merging(String name) {
    return NodeSchema.named(name)
        .category("advanced/model_merging")
        .extra("nodes_model_merging")
        .returns(PortType.MODEL);
  }

  private static ModelRefs.ModelRef merged(
      ModelRefs.ModelRef first, ModelRefs.ModelRef second, List<PartSource.Share> shares) {
    return new ModelRefs.ModelRef(
        new PartSource.Merged(first.source(), second.source(), shares), first.options());
  }

  private static Node mergeSimple() {
    Input.FloatInput ratio = Input.fraction("ratio", 1.0, 0, 1, 0.01);
    return FunctionNode.of(
        merging("ModelMergeSimple")
            .description("A mean of two models' weights; 1 is the first alone.")
            .required(FIRST, SECOND, ratio),
        (inputs, context) ->
            NodeResult.of(
                merged(
                    inputs.get(FIRST),
                    inputs.get(SECOND),
                    List.of(new PartSource.Share("", inputs.get(ratio), 1 - inputs.get(ratio))))));
  }

  private static Node mergeAdd() {
    return FunctionNode.of(
        merging("ModelMergeAdd")
            .description("The sum of two models' weights.")
            .required(FIRST, SECOND),
        (inputs, context) ->
            NodeResult.of(
                merged(
                    inputs.get(FIRST),
                    inputs.get(SECOND),
                    List.of(new PartSource.Share("", 1, 1)))));
  }

  private static Node mergeSubtract() {
    Input.FloatInput multiplier = Input.fraction("multiplier", 1.0, -10, 10, 0.01);
    return FunctionNode.of(
        merging("ModelMergeSubtract")
            .description("The first model's weights minus the second's, times a number.")
            .required(FIRST, SECOND, multiplier),
        (inputs, context) -> {
          double times = inputs.get(multiplier);
          return NodeResult.of(
              merged(
                  inputs.get(FIRST),
                  inputs.get(SECOND),
                  List.of(new PartSource.Share("", times, -times))));
        });
  }

  private static Node mergeBlocks() {
    Input.FloatInput input = Input.fraction("input", 1.0, 0, 1, 0.01);
    Input.FloatInput middle = Input.fraction("middle", 1.0, 0, 1, 0.01);
    Input.FloatInput out = Input.fraction("out", 1.0, 0, 1, 0.01);
    return FunctionNode.of(
        merging("ModelMergeBlocks")
            .description("A mean of two models with a ratio for each part of the network.")
            .required(FIRST, SECOND, input, middle, out),
        (inputs, context) -> {
          List<PartSource.Share> shares = new ArrayList<>();
          // What begins with none of the three names takes the first ratio. Source: ComfyUI.
          for (Input.FloatInput part : List.of(input, middle, out)) {
            double ratio = inputs.get(part);
            shares.add(new PartSource.Share(part.name(), ratio, 1 - ratio));
          }
          double first = inputs.get(input);
          shares.add(new PartSource.Share("", first, 1 - first));
          return NodeResult.of(merged(inputs.get(FIRST), inputs.get(SECOND), shares));
        });
  }

  private static Node clipMergeSimple() {
    Input.SocketInput<ModelRefs.ClipRef> first = Input.socket("clip1", PortType.CLIP);
    Input.SocketInput<ModelRefs.ClipRef> second = Input.socket("clip2", PortType.CLIP);
    Input.FloatInput ratio = Input.fraction("ratio", 1.0, 0, 1, 0.01);
    return FunctionNode.of(
        NodeSchema.named("CLIPMergeSimple")
            .category("advanced/model_merging")
            .extra("nodes_model_merging")
            .description("A mean of two text encoders' weights; 1 is the first alone.")
            .required(first, second, ratio)
            .returns(PortType.CLIP),
        (inputs, context) -> {
          double share = inputs.get(ratio);
          return NodeResult.of(
              new ModelRefs.ClipRef(
                  new PartSource.Merged(
                      inputs.get(first).source(),
                      inputs.get(second).source(),
                      List.of(new PartSource.Share("", share, 1 - share))),
                  inputs.get(first).stopAtLayer()));
        });
  }
}
