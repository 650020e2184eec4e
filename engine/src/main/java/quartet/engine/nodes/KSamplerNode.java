package quartet.engine.nodes;

import static quartet.engine.nodes.SamplingInputs.CFG;
import static quartet.engine.nodes.SamplingInputs.LATENT;
import static quartet.engine.nodes.SamplingInputs.MODEL;
import static quartet.engine.nodes.SamplingInputs.NEGATIVE;
import static quartet.engine.nodes.SamplingInputs.POSITIVE;
import static quartet.engine.nodes.SamplingInputs.SAMPLER;
import static quartet.engine.nodes.SamplingInputs.SCHEDULER;
import static quartet.engine.nodes.SamplingInputs.STEPS;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.sampling.SamplingRequest;

/** Denoises a latent, steered by two texts. */
final class KSamplerNode implements Node {
  private static final Input.IntInput SEED = Input.seed("seed");
  private static final Input.FloatInput DENOISE = Input.fraction("denoise", 1.0, 0, 1, 0.01);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("KSampler")
        .category("sampling")
        .description(
            "Denoises a latent: from noise, or partly from a picture if denoise is below 1.")
        .required(MODEL, SEED, STEPS, CFG, SAMPLER, SCHEDULER, POSITIVE, NEGATIVE, LATENT, DENOISE)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    SamplingRequest request = SamplingInputs.request(inputs, SEED).last(inputs.get(DENOISE));
    return NodeResult.of(Sampling.run(request, inputs.get(MODEL), context));
  }
}
