package quartet.engine.sampling;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.NoiseProcess;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.model.unet.FreeU;
import quartet.engine.model.unet.HyperTile;
import quartet.engine.model.unet.Patches;
import quartet.engine.run.CancelToken;
import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.errors.EngineException;
import quartet.rng.LatentNoise;
import quartet.rng.NormalSource;
import quartet.rng.TorchGenerator;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/** A sampling run from request to latent. Thread: the device's. */
public final class KSampler {
  /** How near the first sigma must be to the largest to count as a start from pure noise. */
  private static final double FULL_NOISE = 1e-5;

  private KSampler() {}

  /**
   * Samples.
   *
   * @param listener told of each step, on this thread
   * @param cancel asked before each model call
   * @return the latent with the request's mask and batch indices; the request's own if there is
   *     nothing to do
   * @throws EngineException if a name is unknown or the latent does not fit the model
   */
  public static LatentBatch sample(
      Backend backend,
      DiffusionModel model,
      SamplingRequest request,
      SamplingListener listener,
      CancelToken cancel) {
    return sample(backend, model, ControlNets.NONE, request, listener, cancel);
  }

  /** The same with networks that the conditionings refer to. */
  public static LatentBatch sample(
      Backend backend,
      DiffusionModel model,
      ControlNets nets,
      SamplingRequest request,
      SamplingListener listener,
      CancelToken cancel) {
    if (request.steps() < 1) {
      throw invalid(
          "%d steps cannot be sampled.".formatted(request.steps()), "steps", request.steps());
    }
    Samplers.Named sampler = Samplers.named(request.sampler());
    CustomRequest custom =
        new CustomRequest(
            request.seed(),
            request.addNoise(),
            new Guidance.Cfg(request.positive(), request.negative(), request.cfg()),
            request.sampler(),
            sigmas(model.schedule(), sampler, request),
            request.latent());
    return sample(backend, model, nets, custom, listener, cancel).latent();
  }

  /**
   * Samples with every part chosen by itself.
   *
   * @throws EngineException if the sampler is unknown or the latent does not fit the model
   */
  public static CustomRequest.Result sample(
      Backend backend,
      DiffusionModel model,
      ControlNets nets,
      CustomRequest wanted,
      SamplingListener listener,
      CancelToken cancel) {
    LatentBatch given = emptyAsTheModelWants(model, wanted.latent());
    CustomRequest request = wanted.withLatent(given);
    check(model, given);
    Samplers.Named sampler = Samplers.named(request.sampler());
    float[] sigmas = request.sigmas();
    if (sigmas.length < 2) {
      return new CustomRequest.Result(given, given);
    }
    NoiseProcess process = model.schedule().process();
    if (process == NoiseProcess.FLOW) {
      FlowRequests.check(sigmas);
    }
    float scale = model.latentFormat().scale();
    try (TensorScope scope = backend.openScope("sampling");
        FreeU freeU = model.freeU(backend)) {
      HyperTile tiles = model.options().hyperTile().map(HyperTile::new).orElse(null);
      Ops ops = scope.ops();
      Tensor latent = ops.affine(upload(ops, given, given.values()), scale, 0f); // [B, H, W, C]
      Tensor noise = upload(ops, given, noise(request));
      Denoiser denoiser =
          new CfgDenoiser(
              new RunSetup(
                  model,
                  new Patches(null, tiles, freeU),
                  nets,
                  scope,
                  given,
                  request.seed(),
                  cancel),
              request.guidance(),
              sampler.has(Samplers.Trait.NEEDS_UNCONDITIONAL));
      MaskBatch mask = given.noiseMask();
      if (mask != null) {
        denoiser = masked(ops, denoiser, process, mask, request, sampler, latent, noise);
      }
      float share = noiseShare(model.schedule(), sigmas[0]);
      Tensor start = ops.linearCombination(share, noise, process.signal(sigmas[0]), latent);
      NormalSource treeNoise =
          sampler.has(Samplers.Trait.CUDA_NOISE) ? NormalSource.CUDA : NormalSource.CPU;
      LastSeen last = new LastSeen();
      SamplerRun.StepListener steps =
          (step, total, denoised) -> {
            if (step == total) {
              last.denoised = download(ops, given, denoised, 1f / scale);
            }
            listener.onStep(step, total, () -> download(ops, given, denoised, 1f / scale));
          };
      try (SamplerRun run =
          new SamplerRun(
              scope,
              denoiser,
              model.schedule(),
              request.seed(),
              sigmas,
              treeNoise,
              steps,
              cancel)) {
        Tensor x = sampler.sampler().sample(run, start, sigmas);
        float left = process.signal(sigmas[sigmas.length - 1]);
        LatentBatch result = download(ops, given, x, 1f / scale / left);
        LatentBatch denoised = last.denoised;
        return new CustomRequest.Result(result, denoised == null ? result : denoised);
      }
    }
  }

  /** The newest prediction of the last step. */
  private static final class LastSeen {
    private @Nullable LatentBatch denoised;
  }

  /**
   * Nothing is lost if an empty latent has another number of channels: workflows mix models and
   * nodes that make empty latents. Source: ComfyUI (behaviour).
   */
  private static LatentBatch emptyAsTheModelWants(DiffusionModel model, LatentBatch latent) {
    int channels = model.latentFormat().channels();
    if (latent.channels() == channels || !latent.isEmpty()) {
      return latent;
    }
    return new LatentBatch(
        new float[latent.values().length / latent.channels() * channels],
        latent.batch(),
        channels,
        latent.height(),
        latent.width(),
        latent.noiseMask(),
        latent.batchIndex());
  }

  private static void check(DiffusionModel model, LatentBatch latent) {
    int channels = model.latentFormat().channels();
    if (latent.channels() != channels) {
      throw invalid(
          "The latent has %d channels, but this model samples %d: it was made for another kind of model."
              .formatted(latent.channels(), channels),
          "channels",
          latent.channels());
    }
    if (latent.batchIndex() != null && latent.batchIndex().size() != latent.batch()) {
      throw invalid(
          "The latent has %d items but %d batch indices."
              .formatted(latent.batch(), latent.batchIndex().size()),
          "batch",
          latent.batch());
    }
  }

  private static EngineException invalid(String message, String name, int value) {
    return new EngineException(
        SamplingErrorCode.SAMPLING_REQUEST_INVALID,
        message,
        Map.of(name, Integer.toString(value)),
        null);
  }

  private static float[] sigmas(
      NoiseSchedule schedule, Samplers.Named sampler, SamplingRequest request) {
    float[] whole =
        RunSigmas.of(
            schedule,
            Schedulers.named(request.scheduler()),
            request.steps(),
            request.denoise(),
            sampler.has(Samplers.Trait.DROPS_PENULTIMATE));
    return RunSigmas.slice(
        whole, request.startAtStep(), request.endAtStep(), request.leftoverNoise());
  }

  /** In NCHW order, whatever the device, so that a seed means the same picture everywhere. */
  private static float[] noise(CustomRequest request) {
    LatentBatch latent = request.latent();
    if (!request.addNoise()) {
      return new float[latent.values().length];
    }
    return LatentNoise.draw(
        request.seed(),
        latent.batch(),
        latent.channels() * latent.height() * latent.width(),
        latent.batchIndex());
  }

  /**
   * Full noise beside a signal has the latent's variance of 1 in it as well. Source: ComfyUI
   * (behaviour).
   */
  static float noiseShare(NoiseSchedule schedule, float sigma) {
    if (schedule.process() == NoiseProcess.FLOW) {
      return sigma;
    }
    float max = schedule.sigmaMax();
    boolean full =
        sigma > max || Math.abs(max - sigma) <= FULL_NOISE * Math.max(Math.abs(max), sigma);
    return full ? F32.sqrt(1f + sigma * sigma) : sigma;
  }

  private static Denoiser masked(
      Ops ops,
      Denoiser inner,
      NoiseProcess process,
      MaskBatch mask,
      CustomRequest request,
      Samplers.Named sampler,
      Tensor latent,
      Tensor noise) {
    LatentBatch given = request.latent();
    Tensor free = ops.upload(HostTensor.of(latent.shape(), LatentMask.expand(mask, given)));
    Tensor kept = ops.affine(free, -1f, 1f);
    Tensor keptNoise =
        sampler.has(Samplers.Trait.OWN_MASK_NOISE)
            ? upload(
                ops, given, new TorchGenerator(request.seed() + 1).randn(given.values().length))
            : noise;
    return new MaskedDenoiser(
        inner, process, free, ops.multiply(latent, kept), ops.multiply(keptNoise, kept));
  }

  private static Tensor upload(Ops ops, LatentBatch like, float[] values) {
    Shape shape = Shape.of(like.batch(), like.channels(), like.height(), like.width());
    return ops.toChannelsLast(ops.upload(HostTensor.of(shape, values)));
  }

  private static LatentBatch download(Ops ops, LatentBatch like, Tensor x, float scale) {
    return like.withValues(ops.download(ops.toChannelsFirst(ops.affine(x, scale, 0f))));
  }
}
