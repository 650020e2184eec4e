package quartet.engine.device;

import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * One small residual block with attention on random-free numbers: touches every kind of kernel a
 * model needs.
 */
final class WarmUp {
  private static final int CHANNELS = 32;
  private static final int EXTENT = 16;
  private static final int HEADS = 4;
  private static final float EPSILON = 1e-5f;

  private WarmUp() {}

  /**
   * Runs it.
   *
   * @throws IllegalStateException if the device computes nonsense
   */
  static void run(Backend backend) {
    try (Parameters parameters = backend.openParameters("warm-up of " + backend.device());
        TensorScope scope = backend.openScope("warm-up")) {
      Ops ops = scope.ops();
      Parameters.Conv2d conv =
          parameters.conv2d(ramp(CHANNELS, CHANNELS, 3, 3), null, Conv2dGeometry.SAME_3X3);
      Parameters.Linear linear = parameters.linear(ramp(CHANNELS, CHANNELS), null);
      Parameters.Norm norm = parameters.norm(ramp(CHANNELS), ramp(CHANNELS));
      Tensor x = ops.upload(ramp(1, EXTENT, EXTENT, CHANNELS)); // [1, H, W, C]
      Tensor h = ops.groupNorm(x, norm, CHANNELS, EPSILON, Activation.SILU);
      h = ops.conv2d(h, conv, x);
      Tensor tokens = ops.reshape(h, Shape.of(1, EXTENT * EXTENT, CHANNELS)); // [1, T, D]
      tokens = ops.layerNorm(tokens, norm, EPSILON);
      Tensor q = ops.linear(tokens, linear, Activation.NONE, null);
      float[] out = ops.download(ops.attention(q, q, tokens, HEADS, false));
      for (float value : out) {
        if (!Float.isFinite(value)) {
          throw new IllegalStateException(
              backend.device() + " computed " + value + " where a finite number was due");
        }
      }
    }
  }

  private static HostTensor ramp(long... extents) {
    Shape shape = Shape.of(extents);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = ((i * 7) % 13 - 6) / 64f;
    }
    return HostTensor.of(shape, values);
  }
}
