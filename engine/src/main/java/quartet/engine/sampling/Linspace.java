package quartet.engine.sampling;

/** Evenly spaced float32 numbers as PyTorch's {@code linspace} makes them on a CPU with FMA. */
final class Linspace {
  private Linspace() {}

  /** {@code count} numbers from {@code start} to {@code end}, both included. */
  static float[] of(float start, float end, int count) {
    float[] values = new float[count];
    if (count == 1) {
      values[0] = start;
      return values;
    }
    float step = (end - start) / (count - 1);
    for (int i = 0; i < count; i++) {
      values[i] =
          i < count / 2 ? Math.fma(step, i, start) : Math.fma(-step, (float) (count - 1 - i), end);
    }
    return values;
  }
}
