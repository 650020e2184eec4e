package quartet.engine.nodes;

import java.util.List;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.sampling.CustomRequest;
import quartet.engine.sampling.Samplers;
import quartet.engine.value.Conditioning;
import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.SamplingParts;

/** Sampling with every part a node of its own: noise, guider, sampler, sigmas. */
final class CustomSamplingNodes {
  private static final String MODULE = "nodes_custom_sampler";

  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);
  private static final Input.SocketInput<Conditioning> POSITIVE =
      Input.socket("positive", PortType.CONDITIONING);
  private static final Input.SocketInput<Conditioning> NEGATIVE =
      Input.socket("negative", PortType.CONDITIONING);
  private static final Input.FloatInput CFG = new Input.FloatInput("cfg", 8.0, 0, 100, 0.1, 0.01);
  private static final Input.SocketInput<SamplingParts.SamplerChoice> SAMPLER =
      Input.socket("sampler", PortType.SAMPLER);
  private static final Input.SocketInput<SamplingParts.Sigmas> SIGMAS =
      Input.socket("sigmas", PortType.SIGMAS);
  private static final Input.SocketInput<LatentBatch> LATENT =
      Input.socket("latent_image", PortType.LATENT);
  private static final Input.IntInput NOISE_SEED = Input.seed("noise_seed");

  private CustomSamplingNodes() {}

  static List<Node> all() {
    return List.of(
        custom(),
        customAdvanced(),
        basicGuider(),
        cfgGuider(),
        dualCfgGuider(),
        perpNegGuider(),
        samplerSelect(),
        randomNoise(),
        disableNoise());
  }

  private static NodeSchema.Builder schema(String name, String category) {
    return NodeSchema.named(name).category(category).extra(MODULE).newer();
  }

  private static Node custom() {
    Input.BooleanInput addNoise = Input.flag("add_noise", true);
    return FunctionNode.of(
        schema("SamplerCustom", "sampling/custom_sampling")
            .description("Samples with a chosen sampler and chosen noise levels.")
            .required(MODEL, addNoise, NOISE_SEED, CFG, POSITIVE, NEGATIVE, SAMPLER, SIGMAS, LATENT)
            .returns(PortType.LATENT, "output")
            .returns(PortType.LATENT, "denoised_output"),
        (inputs, context) -> {
          CustomRequest request =
              new CustomRequest(
                  inputs.get(NOISE_SEED),
                  inputs.get(addNoise),
                  new Guidance.Cfg(inputs.get(POSITIVE), inputs.get(NEGATIVE), inputs.get(CFG)),
                  inputs.get(SAMPLER).name(),
                  inputs.get(SIGMAS).values(),
                  inputs.get(LATENT));
          return result(Sampling.run(request, inputs.get(MODEL), context));
        });
  }

  private static Node customAdvanced() {
    Input.SocketInput<SamplingParts.NoiseChoice> noise = Input.socket("noise", PortType.NOISE);
    Input.SocketInput<SamplingParts.Guider> guider = Input.socket("guider", PortType.GUIDER);
    return FunctionNode.of(
        schema("SamplerCustomAdvanced", "sampling/custom_sampling")
            .description("Samples with every part chosen by itself.")
            .required(noise, guider, SAMPLER, SIGMAS, LATENT)
            .returns(PortType.LATENT, "output")
            .returns(PortType.LATENT, "denoised_output"),
        (inputs, context) -> {
          SamplingParts.Guider steering = inputs.get(guider);
          CustomRequest request =
              new CustomRequest(
                  inputs.get(noise).seed(),
                  inputs.get(noise).drawn(),
                  steering.guidance(),
                  inputs.get(SAMPLER).name(),
                  inputs.get(SIGMAS).values(),
                  inputs.get(LATENT));
          return result(Sampling.run(request, steering.model(), context));
        });
  }

  private static NodeResult result(CustomRequest.Result result) {
    return NodeResult.of(result.latent(), result.denoised());
  }

  private static Node basicGuider() {
    Input.SocketInput<Conditioning> conditioning =
        Input.socket("conditioning", PortType.CONDITIONING);
    return FunctionNode.of(
        schema("BasicGuider", "sampling/custom_sampling/guiders")
            .description("Follows one text as it is.")
            .required(MODEL, conditioning)
            .returns(PortType.GUIDER),
        (inputs, context) ->
            NodeResult.of(
                new SamplingParts.Guider(
                    inputs.get(MODEL), new Guidance.Single(inputs.get(conditioning)))));
  }

  private static Node cfgGuider() {
    return FunctionNode.of(
        schema("CFGGuider", "sampling/custom_sampling/guiders")
            .description("Follows one text and avoids another.")
            .required(MODEL, POSITIVE, NEGATIVE, CFG)
            .returns(PortType.GUIDER),
        (inputs, context) ->
            NodeResult.of(
                new SamplingParts.Guider(
                    inputs.get(MODEL),
                    new Guidance.Cfg(
                        inputs.get(POSITIVE), inputs.get(NEGATIVE), inputs.get(CFG)))));
  }

  private static Node dualCfgGuider() {
    Input.SocketInput<Conditioning> first = Input.socket("cond1", PortType.CONDITIONING);
    Input.SocketInput<Conditioning> second = Input.socket("cond2", PortType.CONDITIONING);
    Input.FloatInput firstScale = new Input.FloatInput("cfg_conds", 8.0, 0, 100, 0.1, 0.01);
    Input.FloatInput secondScale =
        new Input.FloatInput("cfg_cond2_negative", 8.0, 0, 100, 0.1, 0.01);
    Input.ComboInput style = Input.options("style", "regular", "nested");
    return FunctionNode.of(
        schema("DualCFGGuider", "sampling/custom_sampling/guiders")
            .description("Follows two texts, each by a scale of its own.")
            .required(MODEL, first, second, NEGATIVE, firstScale, secondScale, style)
            .returns(PortType.GUIDER),
        (inputs, context) ->
            NodeResult.of(
                new SamplingParts.Guider(
                    inputs.get(MODEL),
                    new Guidance.Dual(
                        inputs.get(first),
                        inputs.get(second),
                        inputs.get(NEGATIVE),
                        inputs.get(firstScale),
                        inputs.get(secondScale),
                        inputs.get(style).equals("nested")))));
  }

  private static Node perpNegGuider() {
    Input.SocketInput<Conditioning> empty =
        Input.socket("empty_conditioning", PortType.CONDITIONING);
    Input.FloatInput scale = Input.fraction("neg_scale", 1.0, 0, 100, 0.01);
    return FunctionNode.of(
        NodeSchema.named("PerpNegGuider")
            .category("_for_testing")
            .extra("nodes_perpneg")
            .newer()
            .experimental()
            .description("Avoids that part of the negative text which is not in the positive one.")
            .required(MODEL, POSITIVE, NEGATIVE, empty, CFG, scale)
            .returns(PortType.GUIDER),
        (inputs, context) ->
            NodeResult.of(
                new SamplingParts.Guider(
                    inputs.get(MODEL),
                    new Guidance.PerpNeg(
                        inputs.get(POSITIVE),
                        inputs.get(NEGATIVE),
                        inputs.get(empty),
                        inputs.get(CFG),
                        inputs.get(scale)))));
  }

  private static Node samplerSelect() {
    Input.ComboInput name = Input.options("sampler_name", catalog -> Samplers.names());
    return FunctionNode.of(
        schema("KSamplerSelect", "sampling/custom_sampling/samplers")
            .description("Chooses a sampler by name.")
            .required(name)
            .returns(PortType.SAMPLER),
        (inputs, context) -> NodeResult.of(new SamplingParts.SamplerChoice(inputs.get(name))));
  }

  private static Node randomNoise() {
    return FunctionNode.of(
        schema("RandomNoise", "sampling/custom_sampling/noise")
            .description("Noise of a seed.")
            .required(NOISE_SEED)
            .returns(PortType.NOISE),
        (inputs, context) ->
            NodeResult.of(new SamplingParts.NoiseChoice(inputs.get(NOISE_SEED), true)));
  }

  private static Node disableNoise() {
    return FunctionNode.of(
        schema("DisableNoise", "sampling/custom_sampling/noise")
            .description("No noise: the latent is taken as it is.")
            .returns(PortType.NOISE),
        (inputs, context) -> NodeResult.of(new SamplingParts.NoiseChoice(0, false)));
  }
}
