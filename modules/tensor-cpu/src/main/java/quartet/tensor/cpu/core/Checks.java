package quartet.tensor.cpu.core;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * What each op asks of its arguments, and the shape it answers with. Both backends call these
 * before they touch a number, so that misuse is told the same way everywhere.
 *
 * <p>Errors: IllegalArgumentException with op, expected and actual shape, dtype and device.
 */
public final class Checks {
  private Checks() {}

  /** Result shape of {@link quartet.tensor.Ops#conv2d}. */
  public static Shape conv2d(Tensor x, Parameters.Conv2d conv, @Nullable Tensor residual) {
    rank("conv2d", x, 4, "[B, H, W, C]");
    floats("conv2d", x);
    last("conv2d", x, conv.inChannels());
    Conv2dGeometry geometry = conv.geometry();
    int height = geometry.outHeight(x.dim(1));
    int width = geometry.outWidth(x.dim(2));
    if (x.dim(1) + geometry.padTop() + geometry.padBottom() < geometry.kernel()
        || x.dim(2) + geometry.padLeft() + geometry.padRight() < geometry.kernel()) {
      throw new IllegalArgumentException(
          "conv2d: image of %s is smaller than the kernel of %s".formatted(describe(x), geometry));
    }
    Shape out = Shape.of(x.dim(0), height, width, conv.outChannels());
    residual("conv2d", residual, out);
    return out;
  }

  /** Result shape of {@link quartet.tensor.Ops#linear}. */
  public static Shape linear(
      String op, Tensor x, Parameters.Linear linear, @Nullable Tensor residual) {
    atLeastRank(op, x, 1);
    floats(op, x);
    last(op, x, linear.inWidth());
    Shape out = x.shape().withLast(linear.outWidth());
    residual(op, residual, out);
    return out;
  }

  /** Result shape of {@link quartet.tensor.Ops#linearGeglu}. */
  public static Shape linearGeglu(Tensor x, Parameters.Linear linear) {
    if (linear.outWidth() % 2 != 0) {
      throw new IllegalArgumentException(
          "linearGeglu: expected an even number of outputs, got " + linear.outWidth());
    }
    return linear("linearGeglu", x, linear, null).withLast(linear.outWidth() / 2);
  }

  /** Result shape of a norm over {@code [..., C]}. */
  public static Shape norm(String op, Tensor x, Parameters.Norm norm) {
    atLeastRank(op, x, op.equals("groupNorm") ? 2 : 1);
    floats(op, x);
    last(op, x, norm.channels());
    return x.shape();
  }

  /** Result shape of {@link quartet.tensor.Ops#groupNorm}. */
  public static Shape groupNorm(Tensor x, Parameters.Norm norm, int groups) {
    if (groups <= 0 || norm.channels() % groups != 0) {
      throw new IllegalArgumentException(
          "groupNorm: %d channels do not fall into %d groups".formatted(norm.channels(), groups));
    }
    return norm("groupNorm", x, norm);
  }

  /** Result shape of {@link quartet.tensor.Ops#embedding}. */
  public static Shape embedding(Parameters.Table table, Tensor ids) {
    if (ids.dtype() != DType.I32) {
      throw new IllegalArgumentException("embedding: expected I32 ids, got " + describe(ids));
    }
    long[] inner = ids.shape().extents();
    long[] extents = new long[inner.length + 1];
    System.arraycopy(inner, 0, extents, 0, inner.length);
    extents[inner.length] = table.width();
    return Shape.of(extents);
  }

  /** Result shape of {@link quartet.tensor.Ops#attention}. */
  public static Shape attention(Tensor query, Tensor key, Tensor value, int heads) {
    rank("attention", query, 3, "[B, T, N*S]");
    rank("attention", key, 3, "[B, U, N*S]");
    floats("attention", query);
    floats("attention", key);
    same("attention", key, value);
    if (key.dim(0) != query.dim(0) || key.dim(2) != query.dim(2)) {
      throw new IllegalArgumentException(
          "attention: query %s and key %s differ in batch or width"
              .formatted(describe(query), describe(key)));
    }
    if (heads <= 0 || query.dim(2) % heads != 0) {
      throw new IllegalArgumentException(
          "attention: width of %s does not fall into %d heads".formatted(describe(query), heads));
    }
    if (key.dim(1) == 0) {
      throw new IllegalArgumentException("attention: no key to attend to, " + describe(key));
    }
    return query.shape();
  }

  /** Both of one shape and both float. */
  public static Shape same(String op, Tensor x, Tensor y) {
    floats(op, x);
    floats(op, y);
    if (!x.shape().equals(y.shape())) {
      throw new IllegalArgumentException(
          "%s: expected equal shapes, got %s and %s".formatted(op, describe(x), describe(y)));
    }
    return x.shape();
  }

  /** Result shape of {@link quartet.tensor.Ops#addPerChannel}. */
  public static Shape addPerChannel(Tensor x, Tensor vector) {
    atLeastRank("addPerChannel", x, 2);
    floats("addPerChannel", x);
    floats("addPerChannel", vector);
    Shape expected = Shape.of(x.dim(0), x.dim(-1));
    if (!vector.shape().equals(expected)) {
      throw new IllegalArgumentException(
          "addPerChannel: expected a vector %s for %s, got %s"
              .formatted(expected, describe(x), describe(vector)));
    }
    return x.shape();
  }

  /** Any shape, but float. */
  public static Shape floats(String op, Tensor x) {
    if (x.dtype() != DType.F32) {
      throw new IllegalArgumentException(op + ": expected F32, got " + describe(x));
    }
    return x.shape();
  }

  /** Checks that a reshape keeps the number of elements. */
  public static Shape reshape(Tensor x, Shape shape) {
    if (x.shape().elements() != shape.elements()) {
      throw new IllegalArgumentException(
          "reshape: %s does not fit into %s".formatted(describe(x), shape));
    }
    return shape;
  }

  /** Result shape of {@link quartet.tensor.Ops#concatLast}. */
  public static Shape concatLast(Tensor x, Tensor y) {
    joinable("concatLast", x, y);
    long width = (long) x.dim(-1) + y.dim(-1);
    if (!x.shape().withLast(0).equals(y.shape().withLast(0))) {
      throw new IllegalArgumentException(
          "concatLast: outer extents of %s and %s differ".formatted(describe(x), describe(y)));
    }
    return x.shape().withLast(width);
  }

  /** Result shape of {@link quartet.tensor.Ops#concatFirst}. */
  public static Shape concatFirst(Tensor x, Tensor y) {
    joinable("concatFirst", x, y);
    if (!x.shape().withFirst(0).equals(y.shape().withFirst(0))) {
      throw new IllegalArgumentException(
          "concatFirst: inner extents of %s and %s differ".formatted(describe(x), describe(y)));
    }
    return x.shape().withFirst((long) x.dim(0) + y.dim(0));
  }

  /** Result shape of a slice of the outermost ({@code axis 0}) or innermost ({@code -1}) extent. */
  public static Shape slice(String op, Tensor x, int axis, int from, int to) {
    atLeastRank(op, x, 1);
    if (from < 0 || to < from || to > x.dim(axis)) {
      throw new IllegalArgumentException(
          "%s: %d..%d is not inside %s".formatted(op, from, to, describe(x)));
    }
    return axis == 0 ? x.shape().withFirst(to - from) : x.shape().withLast(to - from);
  }

  /** Result shape of {@link quartet.tensor.Ops#toChannelsLast}. */
  public static Shape toChannelsLast(Tensor x) {
    rank("toChannelsLast", x, 4, "[B, C, H, W]");
    floats("toChannelsLast", x);
    return Shape.of(x.dim(0), x.dim(2), x.dim(3), x.dim(1));
  }

  /** Result shape of {@link quartet.tensor.Ops#toChannelsFirst}. */
  public static Shape toChannelsFirst(Tensor x) {
    rank("toChannelsFirst", x, 4, "[B, H, W, C]");
    floats("toChannelsFirst", x);
    return Shape.of(x.dim(0), x.dim(3), x.dim(1), x.dim(2));
  }

  /** Result shape of {@link quartet.tensor.Ops#resizeNearest}. */
  public static Shape resizeNearest(Tensor x, int height, int width) {
    rank("resizeNearest", x, 4, "[B, H, W, C]");
    floats("resizeNearest", x);
    if (height <= 0 || width <= 0 || x.dim(1) == 0 || x.dim(2) == 0) {
      throw new IllegalArgumentException(
          "resizeNearest: cannot make %d x %d out of %s".formatted(height, width, describe(x)));
    }
    return Shape.of(x.dim(0), height, width, x.dim(3));
  }

  /** Weight and bias of a convolution. */
  public static void convWeights(
      HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry) {
    Shape shape = weight.shape();
    if (shape.rank() != 4
        || shape.dim(2) != geometry.kernel()
        || shape.dim(3) != geometry.kernel()) {
      throw new IllegalArgumentException(
          "conv2d weight: expected [Cout, Cin, %d, %d], got %s"
              .formatted(geometry.kernel(), geometry.kernel(), shape));
    }
    bias("conv2d", weight, bias);
  }

  /** Weight and bias of a matrix product. */
  public static void linearWeights(HostTensor weight, @Nullable HostTensor bias) {
    Shape shape = weight.shape();
    boolean pointwise = shape.rank() == 4 && shape.dim(2) == 1 && shape.dim(3) == 1;
    if (shape.rank() != 2 && !pointwise) {
      throw new IllegalArgumentException(
          "linear weight: expected [Dout, Din] or [Dout, Din, 1, 1], got " + shape);
    }
    bias("linear", weight, bias);
  }

  /** Scale and shift of a norm. */
  public static void normWeights(HostTensor weight, HostTensor bias) {
    if (weight.shape().rank() != 1 || !weight.shape().equals(bias.shape())) {
      throw new IllegalArgumentException(
          "norm: expected scale and shift [C], got %s and %s"
              .formatted(weight.shape(), bias.shape()));
    }
  }

  /** Rows of a table. */
  public static void tableRows(HostTensor rows) {
    if (rows.shape().rank() != 2) {
      throw new IllegalArgumentException("table: expected [rows, D], got " + rows.shape());
    }
  }

  private static void bias(String op, HostTensor weight, @Nullable HostTensor bias) {
    if (bias != null
        && (bias.shape().rank() != 1 || bias.shape().dim(0) != weight.shape().dim(0))) {
      throw new IllegalArgumentException(
          "%s: bias %s does not fit weight %s".formatted(op, bias.shape(), weight.shape()));
    }
  }

  private static void residual(String op, @Nullable Tensor residual, Shape out) {
    if (residual != null) {
      floats(op, residual);
      if (!residual.shape().equals(out)) {
        throw new IllegalArgumentException(
            "%s: expected a residual %s, got %s".formatted(op, out, describe(residual)));
      }
    }
  }

  private static void rank(String op, Tensor x, int rank, String form) {
    if (x.shape().rank() != rank) {
      throw new IllegalArgumentException(
          "%s: expected %s, got %s".formatted(op, form, describe(x)));
    }
  }

  private static void atLeastRank(String op, Tensor x, int rank) {
    if (x.shape().rank() < rank) {
      throw new IllegalArgumentException(
          "%s: expected rank %d at least, got %s".formatted(op, rank, describe(x)));
    }
  }

  private static void joinable(String op, Tensor x, Tensor y) {
    atLeastRank(op, x, 1);
    if (x.dtype() != y.dtype() || x.shape().rank() != y.shape().rank()) {
      throw new IllegalArgumentException(
          "%s: cannot join %s and %s".formatted(op, describe(x), describe(y)));
    }
  }

  private static void last(String op, Tensor x, int width) {
    if (x.dim(-1) != width) {
      throw new IllegalArgumentException(
          "%s: expected [..., %d], got %s".formatted(op, width, describe(x)));
    }
  }

  private static String describe(Tensor x) {
    return "%s %s on %s".formatted(x.dtype(), x.shape(), x.device());
  }
}
