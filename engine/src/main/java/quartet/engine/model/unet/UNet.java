package quartet.engine.model.unet;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * The denoising network: blocks going down, a middle, blocks going up that also see what the blocks
 * going down gave. Source: Ronneberger et al. 2015; Rombach et al. 2022, section 3.3; CompVis
 * {@code UNetModel}.
 */
public final class UNet {
  private static final int GROUPS = 32;
  private static final float EPSILON = 1e-5f;

  private final UNetConfig config;
  private final TimeEmbedding time;
  private final TimeShifts shifts;
  private final @Nullable TimeEmbedding label;
  private final List<List<UNetLayer>> down = new ArrayList<>();
  private final List<UNetLayer> middle;
  private final List<List<UNetLayer>> up = new ArrayList<>();
  private final Parameters.Norm outNorm;
  private final Parameters.Conv2d outConv;

  /** Loads the network at {@code weights}. */
  public UNet(WeightCursor weights, UNetConfig config) {
    this.config = config;
    time = new TimeEmbedding(weights.at("time_embed"), config.modelChannels());
    label =
        weights.has("label_emb.0.0.weight")
            ? new TimeEmbedding(
                weights.at("label_emb.0"), weights.shape("label_emb.0.0.weight").dim(1))
            : null;
    BlockReader reader = new BlockReader(weights, config);
    Deque<Integer> skips = new ArrayDeque<>();
    int channels = config.inChannels();
    for (int n = 0; true; n++) {
      List<UNetLayer> block = reader.read("input_blocks." + n, channels);
      if (block.isEmpty()) {
        break;
      }
      channels = block.getLast().outChannels();
      down.add(block);
      skips.push(channels);
    }
    middle = required(reader, weights, "middle_block", channels);
    channels = middle.getLast().outChannels();
    for (int n = 0; !skips.isEmpty(); n++) {
      up.add(required(reader, weights, "output_blocks." + n, channels + skips.pop()));
      channels = up.getLast().getLast().outChannels();
    }
    shifts = new TimeShifts(weights, reader.timeProjections(), time.width());
    outNorm = weights.norm("out.0", channels);
    outConv =
        weights.conv(
            "out.2", channels, weights.shape("out.2.weight").dim(0), Conv2dGeometry.SAME_3X3);
  }

  /** A block that must be there; it begins with a residual block. */
  static List<UNetLayer> required(BlockReader reader, WeightCursor weights, String block, int in) {
    weights.at(block).shape("0.in_layers.0.weight");
    return reader.read(block, in);
  }

  /** The extents. */
  public UNetConfig config() {
    return config;
  }

  /** Width of the prompt's tokens, or 0 if no block attends to a prompt. */
  public int contextWidth() {
    return transformers().findFirst().map(TransformerBlock::contextWidth).orElse(0);
  }

  /** Width of the label that is embedded beside the time, or 0 if there is none. */
  public int labelWidth() {
    return label == null ? 0 : label.inWidth();
  }

  /** Channels of what it predicts. */
  public int outChannels() {
    return outConv.outChannels();
  }

  /**
   * Projects prompts once for all steps of a run.
   *
   * @param scope owns the result
   * @param context {@code [B, U, E]}
   * @param labels {@code [B, L]}, or null for a network without a label embedding
   */
  public PromptContext prepare(TensorScope scope, Tensor context, @Nullable Tensor labels) {
    Ops ops = scope.ops();
    return new PromptContext(
        context.dim(0),
        transformers().map(block -> block.project(ops, context)).toList(),
        label == null || labels == null ? null : label.apply(ops, labels, null));
  }

  /**
   * One evaluation.
   *
   * @param scope owns the result; everything else is freed
   * @param x {@code [B, H, W, Cin]}
   * @param waves {@code [B, M]}, what {@link #waves} makes of the timesteps
   * @return {@code [B, H, W, Cout]}
   */
  public Tensor forward(TensorScope scope, Tensor x, Tensor waves, PromptContext context) {
    return forward(scope, x, waves, context, Steering.NONE, (name, value) -> {});
  }

  /** Timesteps as the network takes them: {@code [B] -> [B, M]}. */
  public HostTensor waves(float[] timesteps) {
    return TimeEmbedding.waves(timesteps, time.inWidth());
  }

  /**
   * The same, showing each block's result while it lives, to compare with another implementation.
   *
   * @param steering what other networks add
   * @param trace given names as {@code input_blocks.3} and tensors that die with the call
   */
  public Tensor forward(
      TensorScope scope,
      Tensor x,
      Tensor waves,
      PromptContext context,
      Steering steering,
      BiConsumer<String, Tensor> trace) {
    try (TensorScope call = scope.child("unet")) {
      Iterator<PromptContext.KeyValue> prompts = context.blocks().iterator();
      Patches patches = steering.patches();
      SelfAttention attention = patches.attention(x.dim(1), x.dim(2));
      SelfAttention middleAttention = patches.middleAttention(x.dim(1), x.dim(2));
      Tensor embedding = time.apply(call.ops(), waves, context.label()); // [B, E]
      trace.accept("time_embed", embedding);
      Iterator<Tensor> times =
          shifts.of(call.ops(), call.ops().activate(embedding, Activation.SILU));
      Deque<Tensor> skips = new ArrayDeque<>();
      Tensor h = x;
      for (int n = 0; n < down.size(); n++) {
        try (TensorScope block = call.child("input_blocks." + n)) {
          Tensor made = run(block.ops(), down.get(n), h, null, times, prompts, null, attention);
          h = block.handOver(added(block.ops(), made, steering.inputs().get(n)));
        }
        skips.push(h); // each a level's [B, H/k, W/k, C]
        trace.accept("input_blocks." + n, h);
      }
      Relay relay = new Relay(call, h);
      relay.then(
          "middle",
          (ops, in) ->
              added(
                  ops,
                  run(ops, middle, in, null, times, prompts, null, middleAttention),
                  steering.middle()));
      trace.accept("middle_block", relay.value());
      for (int n = 0; n < up.size(); n++) {
        List<UNetLayer> block = up.get(n);
        Tensor skip = skips.pop();
        Tensor control = steering.skips().get(skips.size());
        Tensor next = skips.peek();
        relay.then(
            "output_blocks." + n,
            (ops, in) -> {
              Tensor beside = added(ops, skip, control);
              FreeU.Pair pair = FreeU.Pair.of(ops, patches.freeU(), in, beside);
              return run(ops, block, pair.hidden(), pair.skip(), times, prompts, next, attention);
            });
        trace.accept("output_blocks." + n, relay.value());
      }
      relay.then(
          "out",
          (ops, in) ->
              ops.conv2d(
                  ops.groupNorm(in, outNorm, GROUPS, EPSILON, Activation.SILU), outConv, null));
      return call.handOver(relay.finish()); // [B, H, W, Cout]
    }
  }

  private static Tensor added(Ops ops, Tensor x, @Nullable Tensor summand) {
    return summand == null ? x : ops.add(x, summand);
  }

  /**
   * Runs one block.
   *
   * @param skip what stands beside {@code x} as the first layer's input, or null
   * @param shifts what the time adds, from this block's first residual block on
   * @param sizeLike what an upsampling enlarges to, or null if none may occur
   * @param attention among the pixels of a transformer
   */
  static Tensor run(
      Ops ops,
      List<UNetLayer> layers,
      Tensor x,
      @Nullable Tensor skip,
      Iterator<Tensor> shifts,
      Iterator<PromptContext.KeyValue> prompts,
      @Nullable Tensor sizeLike,
      SelfAttention attention) {
    Tensor h = x;
    @Nullable Tensor beside = skip;
    for (UNetLayer layer : layers) {
      Tensor second = beside;
      beside = null;
      h =
          switch (layer) {
            case UNetLayer.Residual residual ->
                second == null
                    ? residual.block().forward(ops, h, shifts.next())
                    : residual.block().forward(ops, h, second, shifts.next());
            case UNetLayer.Transformer transformer ->
                transformer.block().forward(ops, h, prompts, attention);
            case UNetLayer.Convolution convolution -> ops.conv2d(h, convolution.conv(), null);
            case UNetLayer.Upsample upsample -> {
              int height = sizeLike == null ? 2 * h.dim(1) : sizeLike.dim(1);
              int width = sizeLike == null ? 2 * h.dim(2) : sizeLike.dim(2);
              yield ops.conv2d(ops.resizeNearest(h, height, width), upsample.conv(), null);
            }
          };
    }
    return h;
  }

  private Stream<TransformerBlock> transformers() {
    return transformers(Stream.of(down.stream(), Stream.of(middle), up.stream()).flatMap(b -> b));
  }

  /** All transformer blocks in the order in which they run. */
  static Stream<TransformerBlock> transformers(Stream<List<UNetLayer>> blocks) {
    return blocks
        .flatMap(List::stream)
        .flatMap(
            layer ->
                layer instanceof UNetLayer.Transformer transformer
                    ? transformer.block().blocks().stream()
                    : Stream.empty());
  }
}
