package quartet.tensor;

import org.jspecify.annotations.Nullable;

/**
 * The arithmetic. Results belong to the scope these ops come from. Inputs may belong to any open
 * scope of the same device. Images are {@code [B, H, W, C]}, tokens {@code [B, T, D]}; row-wise ops
 * take any rank and work on the innermost dimension.
 *
 * <p>Accumulation: float32 at least, in an order that depends on shapes only, so that the same call
 * gives the same bits.
 *
 * <p>Errors: IllegalArgumentException with op, expected and actual shape, dtype and device.
 */
public interface Ops {
  // ---- in and out

  /** Copies a host tensor to the device, as float32 numbers ({@code I32} stays as it is). */
  Tensor upload(HostTensor host);

  /** Copies to the host as float32, in the tensor's own order. Waits for the result. */
  float[] download(Tensor tensor);

  // ---- parameters

  /**
   * Convolution plus bias, then {@code + residual} if given.
   *
   * <p>Shapes: {@code [B, H, W, Cin] -> [B, H', W', Cout]}, H' and W' by the geometry; residual
   * like the result.
   */
  Tensor conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual);

  /**
   * {@code activation(x W^T + b)}, then {@code + residual} if given.
   *
   * <p>Shapes: {@code [..., Din] -> [..., Dout]}; residual like the result.
   */
  Tensor linear(
      Tensor x, Parameters.Linear linear, Activation activation, @Nullable Tensor residual);

  /**
   * {@link #linear} of the two tensors joined along the innermost dimension.
   *
   * <p>Shapes: x {@code [..., C]}, y {@code [..., Din - C] -> [..., Dout]}.
   */
  default Tensor joinedLinear(Tensor x, Tensor y, Parameters.Linear linear) {
    return linear(concatLast(x, y), linear, Activation.NONE, null);
  }

  /**
   * Gated product: with {@code (value, gate)} the halves of {@code x W^T + b}, {@code value *
   * gelu(gate)}. Source: Shazeer 2020, GLU variants improve transformer, GEGLU.
   *
   * <p>Shapes: {@code [..., Din] -> [..., Dout / 2]}.
   */
  Tensor linearGeglu(Tensor x, Parameters.Linear linear);

  /**
   * Group norm over H, W and the channels of a group, biased variance, then the activation. Source:
   * Wu and He 2018, eq. 1-3.
   *
   * <p>Shapes: {@code [B, ..., C] -> same}.
   */
  Tensor groupNorm(
      Tensor x, Parameters.Norm norm, int groups, float epsilon, Activation activation);

  /**
   * {@link #groupNorm} of {@code x} with a vector per batch item added to every pixel first.
   *
   * <p>Shapes: x {@code [B, ..., C]}, vector {@code [B, C]}.
   */
  default Tensor shiftedGroupNorm(
      Tensor x,
      Tensor vector,
      Parameters.Norm norm,
      int groups,
      float epsilon,
      Activation activation) {
    return groupNorm(addPerChannel(x, vector), norm, groups, epsilon, activation);
  }

  /**
   * {@link #groupNorm} of the two tensors joined along the channels.
   *
   * <p>Shapes: x {@code [B, ..., C]}, y {@code [B, ..., D] -> [B, ..., C + D]}.
   */
  default Tensor joinedGroupNorm(
      Tensor x, Tensor y, Parameters.Norm norm, int groups, float epsilon, Activation activation) {
    return groupNorm(concatLast(x, y), norm, groups, epsilon, activation);
  }

  /** Layer norm over the innermost dimension, biased variance. Source: Ba et al. 2016, eq. 3-4. */
  Tensor layerNorm(Tensor x, Parameters.Norm norm, float epsilon);

  /**
   * Rows of a table by index.
   *
   * <p>Shapes: ids {@code I32 [...] -> [..., D]}. Errors: an index outside the table.
   */
  Tensor embedding(Parameters.Table table, Tensor ids);

  // ---- attention

  /**
   * {@code softmax(Q K^T / sqrt(S) [+ causal mask]) V} for each head. Source: Vaswani et al. 2017,
   * eq. 1.
   *
   * <p>Shapes: query {@code [B, T, N*S]}, key and value {@code [B, U, N*S] -> [B, T, N*S]}; head n
   * takes columns {@code n*S .. n*S+S-1}.
   *
   * @param causal token t sees tokens 0..t only
   */
  Tensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal);

  /**
   * Attention among the tokens themselves, of queries, keys and values side by side.
   *
   * <p>Shapes: {@code [B, T, 3*N*S] -> [B, T, N*S]}: the first N*S columns are queries, then keys,
   * then values.
   */
  default Tensor selfAttention(Tensor joined, int heads, boolean causal) {
    int width = joined.dim(-1) / 3;
    return attention(
        sliceLast(joined, 0, width),
        sliceLast(joined, width, 2 * width),
        sliceLast(joined, 2 * width, 3 * width),
        heads,
        causal);
  }

  // ---- element-wise; same shapes unless said

  /** {@code x + y}. */
  Tensor add(Tensor x, Tensor y);

  /** {@code x * y}. */
  Tensor multiply(Tensor x, Tensor y);

  /** {@code a*x + b*y}, each product and the sum rounded to float32. */
  Tensor linearCombination(float a, Tensor x, float b, Tensor y);

  /** {@code scale*x + shift}. */
  Tensor affine(Tensor x, float scale, float shift);

  /** The activation of each element. */
  Tensor activate(Tensor x, Activation activation);

  /** min(max(x, low), high); NaN stays NaN. */
  Tensor clamp(Tensor x, float low, float high);

  /**
   * Adds a vector per batch item to every pixel.
   *
   * <p>Shapes: x {@code [B, ..., C]}, vector {@code [B, C]}.
   */
  Tensor addPerChannel(Tensor x, Tensor vector);

  // ---- shape

  /** The same numbers under another shape; no copy. */
  Tensor reshape(Tensor x, Shape shape);

  /** Joins along the innermost dimension; the outer ones are equal. */
  Tensor concatLast(Tensor x, Tensor y);

  /** Joins along the outermost dimension; the inner ones are equal. */
  Tensor concatFirst(Tensor x, Tensor y);

  /** Items {@code from} to {@code to} (exclusive) of the outermost dimension. */
  Tensor sliceFirst(Tensor x, int from, int to);

  /** Columns {@code from} to {@code to} (exclusive) of the innermost dimension. */
  Tensor sliceLast(Tensor x, int from, int to);

  /** {@code [B, C, H, W] -> [B, H, W, C]}. */
  Tensor toChannelsLast(Tensor x);

  /** {@code [B, H, W, C] -> [B, C, H, W]}. */
  Tensor toChannelsFirst(Tensor x);

  /**
   * Nearest-neighbour enlargement to a given size: pixel (y, x) is source pixel (y*H/height,
   * x*W/width), floored.
   *
   * <p>Shapes: {@code [B, H, W, C] -> [B, height, width, C]}.
   */
  Tensor resizeNearest(Tensor x, int height, int width);
}
