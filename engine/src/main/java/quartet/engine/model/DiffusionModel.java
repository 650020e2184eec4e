package quartet.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.unet.FreeU;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.Steering;
import quartet.engine.model.unet.UNet;
import quartet.engine.value.ModelOptions;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Replay;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A denoising network with what it was trained on. Owner: its {@link CheckpointModels}. Thread: the
 * device's.
 */
public final class DiffusionModel {
  private static final int FIRST_PROMPT_TENSOR = 2;

  /** Steps that a consistency model was distilled to. Source: Luo et al. 2023, section 5. */
  private static final int CONSISTENCY_STEPS = 50;

  private final UNet network;
  private final Replay evaluation;
  private final NoiseSchedule schedule;
  private final Prediction prediction;
  private final LatentFormat latentFormat;
  private final LabelKind label;
  private final ModelOptions options;
  private final boolean partsWhenFull;

  /**
   * A network as its file says.
   *
   * @param evaluation the network as a function of tensors, {@link #evaluation}
   */
  DiffusionModel(
      UNet network,
      Replay evaluation,
      NoiseSchedule schedule,
      Prediction prediction,
      LatentFormat latentFormat,
      LabelKind label) {
    this(network, evaluation, schedule, prediction, latentFormat, label, ModelOptions.NONE, false);
  }

  private DiffusionModel(
      UNet network,
      Replay evaluation,
      NoiseSchedule schedule,
      Prediction prediction,
      LatentFormat latentFormat,
      LabelKind label,
      ModelOptions options,
      boolean partsWhenFull) {
    this.network = network;
    this.evaluation = evaluation;
    this.schedule = schedule;
    this.prediction = prediction;
    this.latentFormat = latentFormat;
    this.label = label;
    this.options = options;
    this.partsWhenFull = partsWhenFull;
  }

  /** The same network, sampled as the options say. */
  public DiffusionModel with(ModelOptions other) {
    if (other.sampling().isEmpty()) {
      return with(schedule, prediction, other);
    }
    return switch (other.sampling().get()) {
      case ModelOptions.SamplingChoice.Discrete discrete -> with(discrete, other);
      case ModelOptions.SamplingChoice.Flow flow ->
          with(FlowSchedule.shifted(flow.shift(), flow.multiplier()), Prediction.FLOW, other);
      case ModelOptions.SamplingChoice.FluxFlow flow ->
          with(FlowSchedule.flux(flow.mu()), Prediction.FLOW, other);
    };
  }

  private DiffusionModel with(ModelOptions.SamplingChoice.Discrete choice, ModelOptions other) {
    DiscreteSchedule table =
        choice.zeroTerminalSnr() ? NoiseSchedule.zeroTerminalSnr() : NoiseSchedule.scaledLinear();
    return switch (choice.output()) {
      case EPS -> with(table, Prediction.EPSILON, other);
      case V_PREDICTION -> with(table, Prediction.VELOCITY, other);
      case X0 -> with(table, Prediction.CLEAN, other);
      case IMG_TO_IMG -> with(table, Prediction.CLEAN_FROM_UNSCALED, other);
      case LCM -> with(table.distilled(CONSISTENCY_STEPS), Prediction.CONSISTENCY, other);
    };
  }

  private DiffusionModel with(NoiseSchedule table, Prediction meaning, ModelOptions other) {
    return new DiffusionModel(
        network, evaluation, table, meaning, latentFormat, label, other, partsWhenFull);
  }

  /** The same, going on with parts of a batch when the device has no room for all of it. */
  public DiffusionModel inPartsWhenFull() {
    return new DiffusionModel(
        network, evaluation, schedule, prediction, latentFormat, label, options, true);
  }

  /** Whether a batch without room is computed in parts instead of given up. */
  public boolean partsWhenFull() {
    return partsWhenFull;
  }

  /** The most values per latent pixel that any of its tensors has. */
  public int widestPixel() {
    return network.config().widestPixel();
  }

  /** How it is sampled where that differs from what its file says. */
  public ModelOptions options() {
    return options;
  }

  /** The noise levels it was trained on. */
  public NoiseSchedule schedule() {
    return schedule;
  }

  /** What its output means. */
  public Prediction prediction() {
    return prediction;
  }

  /** What its latents look like. */
  public LatentFormat latentFormat() {
    return latentFormat;
  }

  /** Width of the prompts' tokens it was trained with, or 0 if it takes none. */
  public int contextWidth() {
    return network.contextWidth();
  }

  /** What it is told beside the prompt. */
  public LabelKind label() {
    return label;
  }

  /** Width of the label it wants beside the prompt, or 0. */
  public int labelWidth() {
    return network.labelWidth();
  }

  /** What its options do to the upward half in one run, or null. Owner: the caller. */
  public @Nullable FreeU freeU(Backend backend) {
    return options
        .freeU()
        .map(choice -> new FreeU(backend, choice, network.config().modelChannels()))
        .orElse(null);
  }

  /** Channels it is shown beside the noisy latent: 0, or 5 for an inpainting model. */
  public int besideChannels() {
    return network.config().inChannels() - latentFormat.channels();
  }

  /** Prepares prompts for all steps of a run of a model without labels. */
  public PromptContext prepare(TensorScope scope, HostTensor tokens) {
    return prepare(scope, tokens, null);
  }

  /**
   * Prepares prompts for all steps of a run.
   *
   * @param scope owns the result
   * @param tokens {@code [B, T, D]}, one prompt per batch item
   * @param labels {@code [B, L]} for a model that wants labels, else null
   * @throws EngineException if the prompts come from a text encoder of another width
   */
  public PromptContext prepare(TensorScope scope, HostTensor tokens, @Nullable HostTensor labels) {
    checkWidth(tokens, contextWidth());
    try (TensorScope upload = scope.child("prompt")) {
      PromptContext context =
          network.prepare(
              upload,
              upload.ops().upload(tokens),
              labels == null ? null : upload.ops().upload(labels));
      return handOver(upload, context);
    }
  }

  static void checkWidth(HostTensor tokens, int expected) {
    if (expected != 0 && tokens.shape().dim(2) != expected) {
      throw new EngineException(
          ModelErrorCode.MODEL_INPUT_UNFIT,
          "The conditioning is %d wide, but this model was trained with %d: it was encoded by another model's text encoder."
              .formatted(tokens.shape().dim(2), expected));
    }
  }

  static PromptContext handOver(TensorScope upload, PromptContext context) {
    for (PromptContext.KeyValue block : context.blocks()) {
      upload.handOver(block.key());
      upload.handOver(block.value());
    }
    if (context.label() != null) {
      upload.handOver(context.label());
    }
    return context;
  }

  /**
   * The network's output for noisy latents that were already scaled to unit variance.
   *
   * @param scope owns the result
   * @param x {@code [B, H, W, C]}
   * @param timesteps {@code [B]}
   * @param context of as many prompts
   * @return {@code [B, H, W, C]}
   */
  public Tensor predict(TensorScope scope, Tensor x, float[] timesteps, PromptContext context) {
    List<Tensor> inputs = new ArrayList<>();
    inputs.add(x);
    inputs.add(scope.ops().upload(network.waves(timesteps)));
    inputs.addAll(context.tensors());
    return evaluation.run(scope, inputs).getFirst();
  }

  /**
   * A network as a function of tensors alone, so that the backend can record it: the latents, the
   * timesteps' waves, then the prompt's tensors.
   *
   * <p>Owner: whoever asks for it.
   */
  static Replay evaluation(Backend backend, UNet network) {
    boolean labelled = network.labelWidth() > 0;
    return backend.replay(
        "unet",
        (scope, inputs) -> {
          Tensor x = inputs.getFirst();
          List<Tensor> prompt = inputs.subList(FIRST_PROMPT_TENSOR, inputs.size());
          PromptContext context = PromptContext.of(x.dim(0), prompt, labelled);
          return List.of(network.forward(scope, x, inputs.get(1), context));
        });
  }

  /** The same with what other networks add. */
  public Tensor predict(
      TensorScope scope, Tensor x, float[] timesteps, PromptContext context, Steering steering) {
    if (steering.isNone()) {
      return predict(scope, x, timesteps, context); // this one the backend may have recorded
    }
    BiConsumer<String, Tensor> untraced = (name, value) -> {};
    Tensor waves = scope.ops().upload(network.waves(timesteps));
    return network.forward(scope, x, waves, context, steering, untraced);
  }

  /** What has to be closed before the parameters are. */
  AutoCloseable recording() {
    return evaluation;
  }

  UNet network() {
    return network;
  }
}
