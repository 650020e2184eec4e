package quartet.engine.model.unet;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.value.ModelOptions;
import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * In the wider blocks of the upward half: half of the hidden channels are strengthened, and of what
 * is looked back at the lowest frequencies are weakened. Source: Si et al. 2023, "FreeU: Free Lunch
 * in Diffusion U-Net", eq. 1-4; its second version scales by the channels' mean, pixel by pixel.
 * The frequencies are those that ComfyUI's {@code Fourier_filter} reaches: -1 and 0 in each
 * direction.
 *
 * <p>Means and frequencies are matrix products with matrices made here. Owner: of these; one run.
 * Thread: the device's.
 */
public final class FreeU implements AutoCloseable {
  /** Columns of a matrix product's narrow side: what some devices want at least. */
  private static final int NARROW = 8;

  /** Constant, then cosine and sine of three frequencies. */
  private static final int FREQUENCIES = 4;

  private final Backend backend;
  private final ModelOptions.FreeU choice;
  private final int modelChannels;
  private final Map<Shape, Matrices> lowPass = new HashMap<>();
  private final Map<Integer, Matrices> means = new HashMap<>();

  /** Into something narrow, and back. */
  private record Matrices(Parameters owner, Parameters.Linear down, Parameters.Linear up) {}

  /** For one run of a network whose first block has that many channels. */
  public FreeU(Backend backend, ModelOptions.FreeU choice, int modelChannels) {
    this.backend = backend;
    this.choice = choice;
    this.modelChannels = modelChannels;
  }

  /** What goes into a block of the upward half. */
  record Pair(Tensor hidden, Tensor skip) {
    static Pair of(Ops ops, @Nullable FreeU freeU, Tensor hidden, Tensor skip) {
      return freeU == null ? new Pair(hidden, skip) : freeU.changed(ops, hidden, skip);
    }
  }

  private Pair changed(Ops ops, Tensor hidden, Tensor skip) {
    int channels = hidden.dim(-1);
    if (channels == 4 * modelChannels) {
      return new Pair(stronger(ops, hidden, choice.b1()), weaker(ops, skip, choice.s1()));
    }
    if (channels == 2 * modelChannels) {
      return new Pair(stronger(ops, hidden, choice.b2()), weaker(ops, skip, choice.s2()));
    }
    return new Pair(hidden, skip);
  }

  /** {@code [B, H, W, C] -> same}. */
  private Tensor stronger(Ops ops, Tensor x, double factor) {
    int half = x.dim(-1) / 2;
    Tensor first = ops.sliceLast(x, 0, half);
    Tensor rest = ops.sliceLast(x, half, x.dim(-1));
    Tensor scaled =
        choice.byMean()
            ? ops.multiply(first, factors(ops, x, (float) factor))
            : ops.affine(first, (float) factor, 0f);
    return ops.concatLast(scaled, rest);
  }

  /** From 1 where the mean over the channels is lowest to the factor where it is highest. */
  private Tensor factors(Ops ops, Tensor x, float factor) {
    Matrices matrices = means.computeIfAbsent(x.dim(-1), this::mean);
    Tensor mean = ops.linear(x, matrices.down(), Activation.NONE, null); // [B, H, W, 8], all alike
    float[] values = ops.download(mean);
    int item = values.length / x.dim(0);
    for (int from = 0; from < values.length; from += item) {
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (int i = from; i < from + item; i++) {
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      float range = high - low;
      for (int i = from; i < from + item; i++) {
        values[i] = 1f + (factor - 1f) * (range == 0 ? 0f : (values[i] - low) / range);
      }
    }
    Tensor narrow = ops.upload(HostTensor.of(mean.shape(), values));
    return ops.linear(narrow, matrices.up(), Activation.NONE, null); // [B, H, W, C/2]
  }

  private Matrices mean(int channels) {
    float[] down = new float[NARROW * channels];
    Arrays.fill(down, 1f / channels);
    int half = channels / 2;
    float[] up = new float[half * NARROW];
    Arrays.fill(up, 1f / NARROW);
    return matrices(
        "freeu mean " + channels,
        HostTensor.of(Shape.of(NARROW, channels), down),
        HostTensor.of(Shape.of(half, NARROW), up));
  }

  /** {@code [B, H, W, C] -> same}. */
  private Tensor weaker(Ops ops, Tensor x, double factor) {
    Shape size = Shape.of(x.dim(1), x.dim(2));
    Matrices matrices = lowPass.computeIfAbsent(size, this::frequencies);
    Shape rows = Shape.of(x.dim(0), x.dim(3), (long) x.dim(1) * x.dim(2));
    Tensor pixels = ops.reshape(ops.toChannelsFirst(x), rows); // [B, C, H*W]
    Tensor waves = ops.linear(pixels, matrices.down(), Activation.NONE, null); // [B, C, 8]
    Tensor low = ops.linear(waves, matrices.up(), Activation.NONE, null); // [B, C, H*W]
    Tensor changed = ops.linearCombination(1f, pixels, (float) factor - 1f, low);
    Shape image = Shape.of(x.dim(0), x.dim(3), x.dim(1), x.dim(2));
    return ops.toChannelsLast(ops.reshape(changed, image)); // [B, H, W, C]
  }

  /**
   * The real part of what a picture has in the four frequencies: for each, the products with cosine
   * and sine, times cosine and sine again. The rows have unit length but for the filter's own
   * factor, so that half floats hold them.
   */
  private Matrices frequencies(Shape size) {
    int height = size.dim(0);
    int width = size.dim(1);
    int pixels = height * width;
    float[] down = new float[NARROW * pixels];
    for (int n = 0; n < FREQUENCIES; n++) {
      int vertical = n / 2;
      int horizontal = n % 2;
      for (int p = 0; p < pixels; p++) {
        int row = p / width;
        int column = p % width;
        double turns = (double) vertical * row / height + (double) horizontal * column / width;
        double angle = 2 * Math.PI * turns;
        down[2 * n * pixels + p] = (float) (Math.cos(angle) / Math.sqrt(pixels));
        down[(2 * n + 1) * pixels + p] = (float) (Math.sin(angle) / Math.sqrt(pixels));
      }
    }
    float[] up = new float[pixels * NARROW];
    for (int row = 0; row < NARROW; row++) {
      for (int p = 0; p < pixels; p++) {
        up[p * NARROW + row] = down[row * pixels + p];
      }
    }
    return matrices(
        "freeu frequencies " + height + "x" + width,
        HostTensor.of(Shape.of(NARROW, pixels), down),
        HostTensor.of(Shape.of(pixels, NARROW), up));
  }

  private Matrices matrices(String id, HostTensor down, HostTensor up) {
    Parameters owner = backend.openParameters(id);
    return new Matrices(owner, owner.linear(down, null), owner.linear(up, null));
  }

  @Override
  public void close() {
    means.values().forEach(one -> one.owner().close());
    lowPass.values().forEach(one -> one.owner().close());
    means.clear();
    lowPass.clear();
  }
}
