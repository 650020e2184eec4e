package quartet.engine.model.blocks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;

/**
 * A place in a checkpoint's tree of names, from which layers are made with the shapes their
 * neighbours demand. Source of the idea: huggingface/candle {@code VarBuilder}.
 *
 * <p>Errors: EngineException naming file, key, expected and actual shape.
 */
public final class WeightCursor {
  private final Weights weights;
  private final Parameters parameters;
  private final String prefix;
  private final boolean thorough;

  /** A cursor at the root. */
  public WeightCursor(Weights weights, Parameters parameters) {
    this(weights, parameters, "", false);
  }

  private WeightCursor(Weights weights, Parameters parameters, String prefix, boolean thorough) {
    this.weights = weights;
    this.parameters = parameters;
    this.prefix = prefix;
    this.thorough = thorough;
  }

  /** The same place, where every number is looked at, for small files that people train. */
  public WeightCursor thorough() {
    return new WeightCursor(weights, parameters, prefix, true);
  }

  /** The place below, for example {@code at("input_blocks.0")}. */
  public WeightCursor at(String name) {
    return new WeightCursor(weights, parameters, prefix + name + ".", thorough);
  }

  /** Whether a tensor is there. */
  public boolean has(String key) {
    return weights.has(prefix + key);
  }

  /** The shape of a tensor that must be there. */
  public Shape shape(String key) {
    Shape shape = weights.shapeOrNull(prefix + key);
    return shape == null ? raw(key).shape() : shape;
  }

  /** How many of {@code pattern} with %d replaced by 0, 1, 2, … are there in a row. */
  public int count(String pattern) {
    int n = 0;
    while (has(pattern.replace("%d", Integer.toString(n)))) {
      n++;
    }
    return n;
  }

  /** A convolution with bias. */
  public Parameters.Conv2d conv(String name, int in, int out, Conv2dGeometry geometry) {
    HostTensor weight =
        tensor(name + ".weight", Shape.of(out, in, geometry.kernel(), geometry.kernel()));
    return parameters.conv2d(weight, tensor(name + ".bias", Shape.of(out)), geometry);
  }

  /** A convolution without bias. */
  public Parameters.Conv2d convWithoutBias(String name, int in, int out, Conv2dGeometry geometry) {
    Shape expected = Shape.of(out, in, geometry.kernel(), geometry.kernel());
    return parameters.conv2d(tensor(name + ".weight", expected), null, geometry);
  }

  /** A convolution whose weights are no part of the file. */
  public Parameters.Conv2d made(HostTensor weight, Conv2dGeometry geometry) {
    return parameters.conv2d(weight, null, geometry);
  }

  /** A matrix product whose matrix is stored otherwise. */
  public Parameters.Linear madeLinear(HostTensor weight) {
    return parameters.linear(weight, null);
  }

  /** A table whose rows are stored otherwise. */
  public Parameters.Table madeTable(HostTensor rows) {
    return parameters.table(rows);
  }

  /** A matrix product with bias. */
  public Parameters.Linear linear(String name, int in, int out) {
    return parameters.linear(
        tensor(name + ".weight", Shape.of(out, in)), tensor(name + ".bias", Shape.of(out)));
  }

  /** A matrix product without bias. */
  public Parameters.Linear linearWithoutBias(String name, int in, int out) {
    return parameters.linear(tensor(name + ".weight", Shape.of(out, in)), null);
  }

  /** Matrix products of one input side by side, without biases; each {@code [out, in]}. */
  public Parameters.Linear linearsWithoutBias(List<String> names, int in, int out) {
    return parameters.linears(
        names.stream().map(name -> tensor(name + ".weight", Shape.of(out, in))).toList(),
        List.of());
  }

  /** The same with biases; their widths are what the file says. */
  public Parameters.Linear linears(List<String> names, int in) {
    List<HostTensor> weights = new ArrayList<>();
    List<HostTensor> biases = new ArrayList<>();
    for (String name : names) {
      int out = shape(name + ".weight").dim(0);
      Shape expected =
          shape(name + ".weight").rank() == 2 ? Shape.of(out, in) : Shape.of(out, in, 1, 1);
      weights.add(tensor(name + ".weight", expected));
      biases.add(tensor(name + ".bias", Shape.of(out)));
    }
    return parameters.linears(weights, biases);
  }

  /** A 1x1 convolution with bias as the matrix product it is; some files store it as one. */
  public Parameters.Linear pointwise(String name, int in, int out) {
    Shape expected =
        shape(name + ".weight").rank() == 2 ? Shape.of(out, in) : Shape.of(out, in, 1, 1);
    return parameters.linear(
        tensor(name + ".weight", expected), tensor(name + ".bias", Shape.of(out)));
  }

  /** A group or layer norm. */
  public Parameters.Norm norm(String name, int channels) {
    return parameters.norm(
        tensor(name + ".weight", Shape.of(channels)), tensor(name + ".bias", Shape.of(channels)));
  }

  /** A table to look up rows in. */
  public Parameters.Table table(String key, int rows, int width) {
    return parameters.table(tensor(key, Shape.of(rows, width)));
  }

  private HostTensor tensor(String key, Shape expected) {
    HostTensor tensor = raw(key);
    if (!tensor.shape().equals(expected)) {
      throw unfit(key, "has shape %s where the model needs %s".formatted(tensor.shape(), expected));
    }
    if (!tensor.dtype().isFloating()) {
      throw unfit(key, "has dtype %s where the model needs a float".formatted(tensor.dtype()));
    }
    if (thorough || expected.rank() == 1) {
      checkFinite(key, tensor);
    }
    return tensor;
  }

  /**
   * Biases and norms only, if nothing else is asked for: reading every weight would read the whole
   * file, while a damaged or badly merged checkpoint shows NaN here too.
   */
  private void checkFinite(String key, HostTensor tensor) {
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw unfit(key, "holds %s at %d: the file is damaged".formatted(values[i], i));
      }
    }
  }

  /** The numbers of a tensor that must be there, for what the host computes itself. */
  public float[] floats(String key, Shape expected) {
    return tensor(key, expected).toFloats();
  }

  private HostTensor raw(String key) {
    @Nullable HostTensor tensor = weights.tensorOrNull(prefix + key);
    if (tensor == null) {
      throw new EngineException(
          ModelErrorCode.CHECKPOINT_TENSOR_MISSING,
          "%s lacks the tensor '%s'.".formatted(weights.origin(), nameInFile(key)),
          Map.of("file", weights.origin(), "tensor", nameInFile(key)),
          null);
    }
    return tensor;
  }

  private String nameInFile(String key) {
    return weights.nameInFile(prefix + key);
  }

  private EngineException unfit(String key, String what) {
    return new EngineException(
        ModelErrorCode.CHECKPOINT_TENSOR_UNFIT,
        "In %s the tensor '%s' %s.".formatted(weights.origin(), nameInFile(key), what),
        Map.of(
            "file",
            weights.origin(),
            "tensor",
            nameInFile(key),
            "shape",
            Arrays.toString(raw(key).shape().extents())),
        null);
  }
}
