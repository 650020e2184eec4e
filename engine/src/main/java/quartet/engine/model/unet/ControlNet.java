package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A copy of the UNet's downward half that also sees a picture, and whose blocks' results are added
 * to what the UNet looks back at. Source: Zhang et al. 2023, "Adding Conditional Control to
 * Text-to-Image Diffusion Models", section 3.2; lllyasviel/ControlNet {@code cldm.ControlNet} for
 * the names.
 */
public final class ControlNet {
  /** Pixels of the hint per pixel of the latent, in a row. */
  private static final int PIXELS_PER_LATENT = 8;

  private final TimeEmbedding time;
  private final TimeShifts shifts;
  private final @Nullable TimeEmbedding label;
  private final List<Parameters.Conv2d> hint = new ArrayList<>();
  private final List<List<UNetLayer>> down = new ArrayList<>();
  private final List<Parameters.Conv2d> outs = new ArrayList<>();
  private final List<UNetLayer> middle;
  private final Parameters.Conv2d middleOut;
  private final int widest;

  /** Loads the network at {@code weights}. */
  public ControlNet(WeightCursor weights, UNetConfig config) {
    time = new TimeEmbedding(weights.at("time_embed"), config.modelChannels());
    label =
        weights.has("label_emb.0.0.weight")
            ? new TimeEmbedding(
                weights.at("label_emb.0"), weights.shape("label_emb.0.0.weight").dim(1))
            : null;
    widest = Math.max(config.widestPixel(), readHint(weights.at("input_hint_block")));
    BlockReader reader = new BlockReader(weights, config);
    int channels = config.inChannels();
    for (int n = 0; true; n++) {
      List<UNetLayer> block = reader.read("input_blocks." + n, channels);
      if (block.isEmpty()) {
        break;
      }
      channels = block.getLast().outChannels();
      down.add(block);
      outs.add(zeroConv(weights, "zero_convs." + n + ".0", channels));
    }
    middle = UNet.required(reader, weights, "middle_block", channels);
    shifts = new TimeShifts(weights, reader.timeProjections(), time.width());
    middleOut = zeroConv(weights, "middle_block_out.0", middle.getLast().outChannels());
  }

  private static Parameters.Conv2d zeroConv(WeightCursor weights, String name, int channels) {
    return weights.conv(
        name, channels, weights.shape(name + ".weight").dim(0), Conv2dGeometry.POINTWISE);
  }

  /**
   * Every second entry is a convolution; each fourth of them from the third on halves the size.
   *
   * @return the most values per latent pixel of any result
   */
  private int readHint(WeightCursor weights) {
    int stride = 4;
    int pixels = PIXELS_PER_LATENT * PIXELS_PER_LATENT;
    int most = 0;
    for (int n = 0; weights.has(n + ".weight"); n += 2) {
      Shape shape = weights.shape(n + ".weight");
      boolean halves = n > 0 && n % stride == 0 && weights.has(n + 2 + ".weight");
      hint.add(
          weights.conv(
              Integer.toString(n),
              shape.dim(1),
              shape.dim(0),
              halves ? Conv2dGeometry.DOWN_3X3 : Conv2dGeometry.SAME_3X3));
      pixels = halves ? pixels / 4 : pixels;
      most = Math.max(most, pixels * shape.dim(0));
    }
    return most;
  }

  /** The most values per latent pixel that any of its tensors has. */
  public int widestPixel() {
    return widest;
  }

  /** Width of the label it wants, or 0. */
  public int labelWidth() {
    return label == null ? 0 : label.inWidth();
  }

  /** Width of the prompt's tokens, or 0. */
  public int contextWidth() {
    return transformers().findFirst().map(TransformerBlock::contextWidth).orElse(0);
  }

  /** As {@link UNet#prepare}. */
  public PromptContext prepare(TensorScope scope, Tensor context, @Nullable Tensor labels) {
    Ops ops = scope.ops();
    return new PromptContext(
        context.dim(0),
        transformers().map(block -> block.project(ops, context)).toList(),
        label == null || labels == null ? null : label.apply(ops, labels, null));
  }

  private Stream<TransformerBlock> transformers() {
    return UNet.transformers(Stream.concat(down.stream(), Stream.of(middle)));
  }

  /**
   * What the picture looks like to the network; the same in every step.
   *
   * @param scope owns the result
   * @param picture {@code [B, 8h, 8w, 3]} in 0..1
   * @return {@code [B, h, w, C]}
   */
  public Tensor hint(TensorScope scope, Tensor picture) {
    Relay relay = new Relay(scope, picture);
    for (int n = 0; n < hint.size(); n++) {
      Parameters.Conv2d conv = hint.get(n);
      boolean last = n == hint.size() - 1;
      relay.then(
          "hint",
          (ops, x) -> {
            Tensor y = ops.conv2d(x, conv, null);
            return last ? y : ops.activate(y, Activation.SILU);
          });
    }
    return relay.finish();
  }

  /**
   * What it adds to what the UNet looks back at, by input block.
   *
   * @param middle behind the middle block
   */
  public record Result(Map<Integer, Tensor> skips, Tensor middle) {}

  /**
   * One evaluation.
   *
   * @param scope owns the results
   * @param x {@code [B, H, W, C]} as the UNet sees it
   * @param hint of {@link #hint}
   */
  public Result forward(
      TensorScope scope, Tensor x, Tensor hint, float[] timesteps, PromptContext context) {
    return forward(scope, x, hint, timesteps, context, (name, value) -> {});
  }

  /** The same, showing each block's result. */
  Result forward(
      TensorScope scope,
      Tensor x,
      Tensor hint,
      float[] timesteps,
      PromptContext context,
      BiConsumer<String, Tensor> trace) {
    try (TensorScope call = scope.child("controlnet")) {
      Iterator<PromptContext.KeyValue> prompts = context.blocks().iterator();
      Ops ops = call.ops();
      Tensor waves = ops.upload(TimeEmbedding.waves(timesteps, time.inWidth())); // [B, M]
      Iterator<Tensor> times =
          shifts.of(ops, ops.activate(time.apply(ops, waves, context.label()), Activation.SILU));
      Map<Integer, Tensor> skips = new HashMap<>();
      Relay relay = new Relay(call, x);
      for (int n = 0; n < down.size(); n++) {
        List<UNetLayer> block = down.get(n);
        boolean first = n == 0;
        relay.then(
            "input_blocks." + n,
            (inner, in) -> {
              Tensor y =
                  UNet.run(inner, block, in, null, times, prompts, null, SelfAttention.PLAIN);
              return first ? inner.add(y, hint) : y;
            });
        trace.accept("input_blocks." + n, relay.value());
        skips.put(n, call.handOver(ops.conv2d(relay.value(), outs.get(n), null)));
      }
      relay.then(
          "middle",
          (inner, in) ->
              UNet.run(inner, middle, in, null, times, prompts, null, SelfAttention.PLAIN));
      Tensor out = call.handOver(ops.conv2d(relay.value(), middleOut, null));
      relay.close();
      return new Result(skips, out);
    }
  }
}
