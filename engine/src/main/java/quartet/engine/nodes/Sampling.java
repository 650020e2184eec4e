package quartet.engine.nodes;

import quartet.engine.model.DiffusionModel;
import quartet.engine.node.NodeContext;
import quartet.engine.sampling.CustomRequest;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingListener;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;

/** A sampling run with its progress reported to the prompt's client. */
final class Sampling {
  private Sampling() {}

  static LatentBatch run(SamplingRequest request, ModelRefs.ModelRef ref, NodeContext context) {
    DiffusionModel model = context.models().diffusion(ref);
    return KSampler.sample(
        context.backend(),
        model,
        context.models()::control,
        request,
        listener(model, context),
        context.cancel());
  }

  static CustomRequest.Result run(
      CustomRequest request, ModelRefs.ModelRef ref, NodeContext context) {
    DiffusionModel model = context.models().diffusion(ref);
    return KSampler.sample(
        context.backend(),
        model,
        context.models()::control,
        request,
        listener(model, context),
        context.cancel());
  }

  private static SamplingListener listener(DiffusionModel model, NodeContext context) {
    return (step, total, denoised) ->
        context.progress(step, total, new SamplingPreview(context, model.latentFormat(), denoised));
  }
}
