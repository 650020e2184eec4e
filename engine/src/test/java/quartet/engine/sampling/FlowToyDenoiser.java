package quartet.engine.sampling;

import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A closed-form denoiser of a rectified flow: the exact one for values of mean {@code m} and
 * variance 0.64, {@code D_m = (0.64 (1-s) x + m s^2) / (0.64 (1-s)^2 + s^2)}, plus {@code bend * s
 * * tanh(x)}, guided.
 *
 * @param warm mean under the prompt, by a value's flat NCHW index
 * @param cold the same under the negative prompt
 * @param guidance 1 for none
 */
record FlowToyDenoiser(Mean warm, Mean cold, float guidance, float bend) implements Denoiser {
  /** The mean at a flat index. */
  @FunctionalInterface
  interface Mean {
    double at(int index);
  }

  /** The denoiser of {@code tools/goldens/flow.py}. */
  static FlowToyDenoiser ofGoldens() {
    return new FlowToyDenoiser(
        i -> 0.7 * Math.cos(0.1 * i), i -> 0.2 * Math.sin(0.05 * i), 3f, 0.1f);
  }

  /** Values of mean 0.3 and deviation 0.8. */
  static FlowToyDenoiser gaussian() {
    return new FlowToyDenoiser(i -> 0.3, i -> 0.3, 1f, 0f);
  }

  @Override
  public Denoised denoise(TensorScope scope, Tensor x, float sigma) {
    Ops ops = scope.ops();
    Tensor nchw = ops.toChannelsFirst(x);
    float[] values = ops.download(nchw);
    float[] guided = new float[values.length];
    float[] unconditional = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float c = predict(values[i], sigma, (float) warm.at(i));
      float u = predict(values[i], sigma, (float) cold.at(i));
      unconditional[i] = u;
      guided[i] = u + (c - u) * guidance;
    }
    return new Denoised(upload(ops, nchw, guided), upload(ops, nchw, unconditional));
  }

  private float predict(float x, float sigma, float mean) {
    float signal = 1f - sigma;
    float square = sigma * sigma;
    return (0.64f * signal * x + mean * square) / (0.64f * signal * signal + square)
        + bend * sigma * (float) Math.tanh(x);
  }

  private static Tensor upload(Ops ops, Tensor like, float[] values) {
    return ops.toChannelsLast(ops.upload(HostTensor.of(like.shape(), values)));
  }
}
