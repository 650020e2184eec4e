package quartet.tensor.cpu.reference;

/** An array that is only read. */
final class Numbers {
  private final float[] values;

  Numbers(float[] values) {
    this.values = values;
  }

  float at(int index) {
    return values[index];
  }

  int length() {
    return values.length;
  }

  void copyTo(int from, float[] target, int to, int count) {
    System.arraycopy(values, from, target, to, count);
  }
}
