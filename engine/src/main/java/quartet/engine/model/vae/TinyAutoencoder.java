package quartet.engine.model.vae;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A distilled autoencoder of convolutions only, a hundred times cheaper than the real one: for
 * previews, or where its quality is enough. Its latents are the model's own and its pixels 0..1;
 * both are turned into what other VAEs take here.
 *
 * <p>Source: madebyollin/taesd (structure and names).
 */
public final class TinyAutoencoder implements LatentCodec {
  /** Soft limit of a latent's numbers. Source: madebyollin/taesd {@code Clamp}. */
  private static final float LIMIT = 3f;

  private final float latentScale;
  private final List<Stage> decoder;
  private final List<Stage> encoder;

  /** A module of the list: exactly one of its parts is there. */
  private sealed interface Stage {
    record Convolution(Parameters.Conv2d conv) implements Stage {}

    record Block(
        Parameters.Conv2d first,
        Parameters.Conv2d second,
        Parameters.Conv2d third,
        Parameters.@Nullable Conv2d skip)
        implements Stage {}

    record Relu() implements Stage {}

    record Enlarge() implements Stage {}
  }

  /**
   * Loads the halves at {@code decoder.} and {@code encoder.}; the latter may be missing.
   *
   * @param latentScale a VAE latent times this is the model's
   */
  public TinyAutoencoder(WeightCursor weights, float latentScale) {
    this.latentScale = latentScale;
    // The decoder's list begins with the limit, which has no weights; so its first number is 1.
    decoder = read(weights.at("decoder"), true);
    encoder = weights.has("encoder.0.weight") ? read(weights.at("encoder"), false) : List.of();
  }

  /**
   * Modules without weights stand where a number is missing: ReLU, or enlargement in the decoder.
   */
  private static List<Stage> read(WeightCursor weights, boolean enlarges) {
    List<Stage> stages = new ArrayList<>();
    int missing = 0;
    boolean sawConvolution = false;
    int limit = 64;
    for (int n = enlarges ? 1 : 0; n < limit; n++) {
      WeightCursor at = weights.at(Integer.toString(n));
      boolean plain = at.has("weight");
      if (!plain && !at.has("conv.0.weight")) {
        missing++;
        if (missing > 1) {
          break;
        }
        continue;
      }
      if (missing == 1 && sawConvolution) {
        boolean relu = stages.size() == 1 && enlarges;
        stages.add(relu ? new Stage.Relu() : new Stage.Enlarge());
      }
      missing = 0;
      sawConvolution = true;
      stages.add(plain ? new Stage.Convolution(plain(weights, n, enlarges)) : block(at));
    }
    return stages;
  }

  private static Parameters.Conv2d plain(WeightCursor weights, int n, boolean decoder) {
    String name = Integer.toString(n);
    int out = weights.shape(name + ".weight").dim(0);
    int in = weights.shape(name + ".weight").dim(1);
    boolean biased = weights.has(name + ".bias");
    // In the encoder the convolutions without bias halve the size.
    Conv2dGeometry geometry =
        !decoder && !biased ? Conv2dGeometry.DOWN_3X3 : Conv2dGeometry.SAME_3X3;
    return biased
        ? weights.conv(name, in, out, geometry)
        : weights.convWithoutBias(name, in, out, geometry);
  }

  private static Stage block(WeightCursor at) {
    int out = at.shape("conv.0.weight").dim(0);
    int in = at.shape("conv.0.weight").dim(1);
    return new Stage.Block(
        at.conv("conv.0", in, out, Conv2dGeometry.SAME_3X3),
        at.conv("conv.2", out, out, Conv2dGeometry.SAME_3X3),
        at.conv("conv.4", out, out, Conv2dGeometry.SAME_3X3),
        at.has("skip.weight")
            ? at.convWithoutBias("skip", in, out, Conv2dGeometry.POINTWISE)
            : null);
  }

  @Override
  public int latentChannels() {
    return decoder.getFirst() instanceof Stage.Convolution first ? first.conv().inChannels() : 0;
  }

  @Override
  public int scaleFactor() {
    return 1 << decoder.stream().filter(Stage.Enlarge.class::isInstance).count();
  }

  @Override
  public int widestPixel() {
    return decoder.getFirst() instanceof Stage.Convolution first ? first.conv().outChannels() : 0;
  }

  @Override
  public boolean hasEncoder() {
    return !encoder.isEmpty();
  }

  @Override
  public void beforeDecoding(float[] latents) {
    for (int i = 0; i < latents.length; i++) {
      latents[i] = (float) Math.tanh(latents[i] * latentScale / LIMIT) * LIMIT;
    }
  }

  @Override
  public Tensor decode(TensorScope scope, Tensor latent) {
    Relay relay = run(scope, decoder, latent);
    relay.then("range", (ops, x) -> ops.affine(x, 2f, -1f));
    return relay.finish();
  }

  @Override
  public Tensor mean(TensorScope scope, Tensor pixels) {
    if (encoder.isEmpty()) {
      throw new IllegalStateException("this autoencoder has no encoder");
    }
    Tensor unit = scope.ops().affine(pixels, 0.5f, 0.5f);
    Relay relay = run(scope, encoder, unit);
    relay.then("range", (ops, x) -> ops.affine(x, 1f / latentScale, 0f));
    return relay.finish();
  }

  private static Relay run(TensorScope scope, List<Stage> stages, Tensor input) {
    Relay relay = new Relay(scope, input);
    for (Stage stage : stages) {
      relay.then("stage", (ops, x) -> apply(ops, stage, x));
    }
    return relay;
  }

  private static Tensor apply(Ops ops, Stage stage, Tensor x) {
    return switch (stage) {
      case Stage.Convolution convolution -> ops.conv2d(x, convolution.conv(), null);
      case Stage.Relu ignored -> relu(ops, x);
      case Stage.Enlarge ignored -> ops.resizeNearest(x, 2 * x.dim(1), 2 * x.dim(2));
      case Stage.Block block -> {
        Tensor h = relu(ops, ops.conv2d(x, block.first(), null));
        h = relu(ops, ops.conv2d(h, block.second(), null));
        Tensor skip = block.skip() == null ? x : ops.conv2d(x, block.skip(), null);
        yield relu(ops, ops.conv2d(h, block.third(), skip));
      }
    };
  }

  private static Tensor relu(Ops ops, Tensor x) {
    return ops.clamp(x, 0f, Float.POSITIVE_INFINITY);
  }
}
