package quartet.engine.sampling;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.NoiseProcess;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.run.CancelToken;
import quartet.rng.BrownianNoise;
import quartet.rng.NormalSource;
import quartet.rng.TorchGenerator;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A run as its sampler sees it: where a step's tensors live, the model, and noise.
 *
 * <p>Owner: itself, of the scopes of the newest steps. A tensor made in a step lives until {@value
 * #KEPT_STEPS} more steps have begun, which is as far as any sampler looks back.
 */
final class SamplerRun implements AutoCloseable {
  private static final int KEPT_STEPS = 4;

  /** Share of the run after which a flow's latent is taken to hold some signal. */
  private static final double FIRST_SIGNAL = 1e-4;

  private final TensorScope scope;
  private final Denoiser denoiser;
  private final NoiseSchedule schedule;
  private final long seed;
  private final float[] sigmas;
  private final NormalSource treeNoise;
  private final StepListener listener;
  private final CancelToken cancel;
  private final TorchGenerator generator;
  private final Deque<TensorScope> steps = new ArrayDeque<>();
  private @Nullable BrownianNoise brownian;
  private int begun;
  private boolean reported;

  /** Told of each step's first prediction. */
  @FunctionalInterface
  interface StepListener {
    void onStep(int step, int total, Tensor denoised);
  }

  /**
   * A run.
   *
   * @param scope an open scope to work in
   * @param schedule that the model was trained on
   * @param sigmas that the sampler will walk
   * @param treeNoise what the Brownian path's nodes are drawn from
   */
  SamplerRun(
      TensorScope scope,
      Denoiser denoiser,
      NoiseSchedule schedule,
      long seed,
      float[] sigmas,
      NormalSource treeNoise,
      StepListener listener,
      CancelToken cancel) {
    this.scope = scope;
    this.denoiser = denoiser;
    this.schedule = schedule;
    this.seed = seed;
    this.sigmas = sigmas.clone();
    this.treeNoise = treeNoise;
    this.listener = listener;
    this.cancel = cancel;
    // The starting noise has the seed itself. Source: k-diffusion default_noise_sampler in ComfyUI.
    this.generator = new TorchGenerator(seed + 1);
  }

  /** Begins a step; what its ops make outlives the next steps as the class says. */
  Ops beginStep() {
    if (steps.size() > KEPT_STEPS) {
      steps.removeFirst().close();
    }
    TensorScope step = scope.child("step " + begun);
    steps.addLast(step);
    begun++;
    reported = false;
    return step.ops();
  }

  /** The noise levels that the model was trained on. */
  NoiseSchedule schedule() {
    return schedule;
  }

  /** How the model's latents mix signal and noise. */
  NoiseProcess process() {
    return schedule.process();
  }

  /** Half the log of the signal-to-noise ratio at a sigma. */
  float lambda(float sigma) {
    return LogSnr.of(process(), sigma);
  }

  /** The sigma of such a ratio. */
  float sigmaAt(float lambda) {
    return LogSnr.sigma(process(), lambda);
  }

  /** The signal's share at a sigma. */
  float signal(float sigma) {
    return process().signal(sigma);
  }

  /**
   * The sigmas with a first one at which some signal is left, so that its ratio is finite. Source:
   * ComfyUI {@code offset_first_sigma_for_snr} (behaviour).
   */
  float[] withSignal(float[] sigmas) {
    float[] walked = sigmas.clone();
    if (process() == NoiseProcess.FLOW && walked.length > 1 && walked[0] >= 1f) {
      walked[0] = (float) schedule.percentToSigma(FIRST_SIGNAL);
    }
    return walked;
  }

  /** Asks the model; the first answer of a step is reported. */
  Denoised denoise(Tensor x, float sigma) {
    cancel.throwIfCancelled();
    Denoised denoised = denoiser.denoise(steps.getLast(), x, sigma);
    if (!reported) {
      reported = true;
      int total = sigmas.length - 1;
      listener.onStep(Math.min(begun, total), total, denoised.guided());
    }
    return denoised;
  }

  /** The guided prediction alone. */
  Tensor guided(Tensor x, float sigma) {
    return denoise(x, sigma).guided();
  }

  /** Fresh noise like {@code x}, in the order of calls. */
  Tensor noise(Tensor x) {
    return upload(generator.randn(Math.toIntExact(x.shape().elements())), x);
  }

  /** Noise of the Brownian path over all of the run's sigmas, between two of them. */
  Tensor brownian(Tensor x, float sigma, float next) {
    if (brownian == null) {
      float lowest = Float.POSITIVE_INFINITY;
      float highest = 0f;
      for (float level : sigmas) {
        highest = Math.max(highest, level);
        lowest = level > 0 ? Math.min(lowest, level) : lowest;
      }
      brownian =
          new BrownianNoise(
              Math.toIntExact(x.shape().elements()), lowest, highest, seed, treeNoise);
    }
    return upload(brownian.between(sigma, next), x);
  }

  /** Noise is drawn in NCHW order; {@code like} is {@code [B, H, W, C]}. */
  private Tensor upload(float[] values, Tensor like) {
    Ops ops = steps.getLast().ops();
    Shape shape = Shape.of(like.dim(0), like.dim(3), like.dim(1), like.dim(2));
    return ops.toChannelsLast(ops.upload(HostTensor.of(shape, values)));
  }

  @Override
  public void close() {
    while (!steps.isEmpty()) {
      steps.removeLast().close();
    }
  }
}
