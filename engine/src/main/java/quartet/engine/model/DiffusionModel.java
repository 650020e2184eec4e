package quartet.engine.model;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.UNet;
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
public final class DiffusionModel implements AutoCloseable {
  private static final int FIRST_PROMPT_TENSOR = 2;

  private final UNet network;
  private final Replay evaluation;
  private final NoiseSchedule schedule;
  private final Prediction prediction;
  private final LatentFormat latentFormat;

  DiffusionModel(
      Backend backend,
      UNet network,
      NoiseSchedule schedule,
      Prediction prediction,
      LatentFormat latentFormat) {
    this.network = network;
    this.evaluation = backend.replay("unet", this::evaluate);
    this.schedule = schedule;
    this.prediction = prediction;
    this.latentFormat = latentFormat;
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

  /**
   * Prepares prompts for all steps of a run.
   *
   * @param scope owns the result
   * @param tokens {@code [B, T, D]}, one prompt per batch item
   * @throws EngineException if the prompts come from a text encoder of another width
   */
  public PromptContext prepare(TensorScope scope, HostTensor tokens) {
    int expected = contextWidth();
    if (expected != 0 && tokens.shape().dim(2) != expected) {
      throw new EngineException(
          ModelErrorCode.MODEL_INPUT_UNFIT,
          "The conditioning is %d wide, but this model was trained with %d: it was encoded by another model's text encoder."
              .formatted(tokens.shape().dim(2), expected));
    }
    try (TensorScope upload = scope.child("prompt")) {
      PromptContext context = network.prepare(upload, upload.ops().upload(tokens));
      context
          .blocks()
          .forEach(
              block -> {
                upload.handOver(block.key());
                upload.handOver(block.value());
              });
      return context;
    }
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

  /** The network as a function of tensors alone, so that a backend can record it. */
  private List<Tensor> evaluate(TensorScope scope, List<Tensor> inputs) {
    Tensor x = inputs.getFirst();
    PromptContext context =
        PromptContext.of(x.dim(0), inputs.subList(FIRST_PROMPT_TENSOR, inputs.size()));
    return List.of(network.forward(scope, x, inputs.get(1), context));
  }

  /** Frees what the backend recorded. */
  @Override
  public void close() {
    evaluation.close();
  }

  UNet network() {
    return network;
  }
}
