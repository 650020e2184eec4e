package quartet.engine.sampling;

import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * The closed-form denoiser of {@code samplers.json}: with i the flat NCHW index, {@code m_c = 0.7
 * cos(0.1 i)}, {@code m_u = 0.2 sin(0.05 i)}, {@code D_m = (0.64 x + m s^2) / (0.64 + s^2) + 0.1
 * tanh(x / (1 + s))}, guided by 3.
 */
final class ToyDenoiser implements Denoiser {
  private static final float CFG = 3f;
  private int calls;

  @Override
  public Denoised denoise(TensorScope scope, Tensor x, float sigma) {
    calls++;
    Ops ops = scope.ops();
    Tensor nchw = ops.toChannelsFirst(x);
    float[] values = ops.download(nchw);
    float[] guided = new float[values.length];
    float[] unconditional = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float c = predict(values[i], sigma, 0.7f * (float) Math.cos(0.1f * i));
      float u = predict(values[i], sigma, 0.2f * (float) Math.sin(0.05f * i));
      unconditional[i] = u;
      guided[i] = u + (c - u) * CFG;
    }
    return new Denoised(upload(ops, nchw, guided), upload(ops, nchw, unconditional));
  }

  int calls() {
    return calls;
  }

  private static float predict(float x, float sigma, float m) {
    float q = sigma * sigma;
    return (0.64f * x + m * q) / (0.64f + q) + 0.1f * (float) Math.tanh(x / (1 + sigma));
  }

  private static Tensor upload(Ops ops, Tensor like, float[] values) {
    return ops.toChannelsLast(ops.upload(HostTensor.of(like.shape(), values)));
  }
}
