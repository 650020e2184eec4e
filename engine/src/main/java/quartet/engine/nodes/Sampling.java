package quartet.engine.nodes;

import quartet.engine.model.LatentPreview;
import quartet.engine.node.NodeContext;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;

/** A sampling run with its progress reported to the prompt's client. */
final class Sampling {
  private Sampling() {}

  static LatentBatch run(SamplingRequest request, ModelRefs.ModelRef model, NodeContext context) {
    return KSampler.sample(
        context.backend(),
        context.checkpoint(model.checkpoint()).diffusion(),
        request,
        (step, total, denoised) ->
            context.progress(step, total, () -> LatentPreview.rgb(denoised.get())),
        context.cancel());
  }
}
