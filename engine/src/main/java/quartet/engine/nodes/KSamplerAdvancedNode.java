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

/** Runs a part of a schedule, so that one sampler can go on where another stopped. */
final class KSamplerAdvancedNode implements Node {
  private static final Input.ComboInput ADD_NOISE = Input.choice("add_noise", "enable", "disable");
  private static final Input.IntInput SEED = Input.seed("noise_seed");
  private static final Input.IntInput START = Input.integer("start_at_step", 0, 0, 10000, 1);
  private static final Input.IntInput END = Input.integer("end_at_step", 10000, 0, 10000, 1);
  private static final Input.ComboInput LEFTOVER =
      Input.choice("return_with_leftover_noise", "disable", "enable");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("KSamplerAdvanced")
        .display("KSampler (Advanced)")
        .category("sampling")
        .description("Runs the steps from start to end of a schedule, with or without new noise.")
        .required(
            MODEL, ADD_NOISE, SEED, STEPS, CFG, SAMPLER, SCHEDULER, POSITIVE, NEGATIVE, LATENT,
            START, END, LEFTOVER)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    SamplingRequest request =
        SamplingInputs.request(inputs, SEED)
            .part(
                inputs.get(ADD_NOISE).equals("enable"),
                inputs.getInt(START),
                inputs.getInt(END),
                inputs.get(LEFTOVER).equals("enable"));
    return NodeResult.of(Sampling.run(request, inputs.get(MODEL), context));
  }
}
