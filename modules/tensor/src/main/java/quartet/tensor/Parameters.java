package quartet.tensor;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes device-ready parameters out of host tensors (converted, packed, transformed as the backend
 * likes) and owns them until it is closed. All source tensors are in PyTorch's layouts.
 *
 * <p>Errors: IllegalArgumentException with both shapes if bias and weight do not fit each other.
 */
public interface Parameters extends AutoCloseable {
  /**
   * A convolution.
   *
   * @param weight {@code [Cout, Cin, kernelHeight, kernelWidth]}
   * @param bias {@code [Cout]} or null
   */
  Conv2d conv2d(HostTensor weight, @Nullable HostTensor bias, Conv2dGeometry geometry);

  /**
   * A matrix product {@code x W^T + b}.
   *
   * @param weight {@code [Dout, Din]}, or {@code [Dout, Din, 1, 1]}
   * @param bias {@code [Dout]} or null
   */
  Linear linear(HostTensor weight, @Nullable HostTensor bias);

  /**
   * Several matrix products of one input whose results lie side by side, in their order.
   *
   * @param weights each {@code [Dout_i, Din]}
   * @param biases as many, each {@code [Dout_i]}; or none at all
   */
  default Linear linears(List<HostTensor> weights, List<HostTensor> biases) {
    return linear(HostTensor.stack(weights), biases.isEmpty() ? null : HostTensor.stack(biases));
  }

  /** Scale and shift of a group or layer norm, both {@code [C]}. */
  Norm norm(HostTensor weight, HostTensor bias);

  /** A table of rows to look up, {@code [rows, D]}. */
  Table table(HostTensor rows);

  /**
   * Says that nothing more is asked for at present, so that memory which only loading needs can go.
   */
  default void loaded() {}

  /** Bytes on the device. */
  long byteSize();

  @Override
  void close();

  /** A prepared convolution; {@code inChannels}, {@code outChannels} and geometry as given. */
  interface Conv2d {
    int inChannels();

    int outChannels();

    Conv2dGeometry geometry();
  }

  /** A prepared matrix product from {@code inWidth} to {@code outWidth}. */
  interface Linear {
    int inWidth();

    int outWidth();
  }

  /** Prepared scale and shift of {@code channels} channels. */
  interface Norm {
    int channels();
  }

  /** A prepared table of {@code rows} rows of {@code width} numbers. */
  interface Table {
    int rows();

    int width();
  }
}
