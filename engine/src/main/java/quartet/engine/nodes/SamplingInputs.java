package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.PortType;
import quartet.engine.sampling.Samplers;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.sampling.Schedulers;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;

/** Inputs that the sampler nodes share. */
final class SamplingInputs {
  static final Input.SocketInput<ModelRefs.ModelRef> MODEL = Input.socket("model", PortType.MODEL);
  static final Input.IntInput STEPS = Input.integer("steps", 20, 1, 10000, 1);
  static final Input.FloatInput CFG = new Input.FloatInput("cfg", 8.0, 0, 100, 0.1, 0.01);
  static final Input.ComboInput SAMPLER = Input.choice("sampler_name", catalog -> Samplers.names());
  static final Input.ComboInput SCHEDULER =
      Input.choice("scheduler", catalog -> Schedulers.names());
  static final Input.SocketInput<Conditioning> POSITIVE =
      Input.socket("positive", PortType.CONDITIONING);
  static final Input.SocketInput<Conditioning> NEGATIVE =
      Input.socket("negative", PortType.CONDITIONING);
  static final Input.SocketInput<LatentBatch> LATENT =
      Input.socket("latent_image", PortType.LATENT);

  private SamplingInputs() {}

  /** A whole run as these inputs say. */
  static SamplingRequest request(NodeInputs inputs, Input.IntInput seed) {
    return SamplingRequest.whole(
        inputs.get(seed),
        inputs.getInt(STEPS),
        inputs.get(CFG),
        inputs.get(SAMPLER),
        inputs.get(SCHEDULER),
        inputs.get(POSITIVE),
        inputs.get(NEGATIVE),
        inputs.get(LATENT));
  }
}
