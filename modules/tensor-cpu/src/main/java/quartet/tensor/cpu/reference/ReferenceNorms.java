package quartet.tensor.cpu.reference;

import quartet.tensor.Activation;

/** Group norm and layer norm, with mean and variance in two passes. */
final class ReferenceNorms {
  private ReferenceNorms() {}

  /** x {@code [batch, pixels, C]}. */
  static void groupNorm(
      float[] x,
      int batch,
      int pixels,
      ReferenceParameters.Scales norm,
      int groups,
      double epsilon,
      Activation activation,
      float[] out) {
    int channels = norm.channels();
    int perGroup = channels / groups;
    for (int b = 0; b < batch; b++) {
      for (int g = 0; g < groups; g++) {
        double mean = 0;
        for (int p = 0; p < pixels; p++) {
          for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
            mean += x[(b * pixels + p) * channels + c];
          }
        }
        mean /= (double) pixels * perGroup;
        double variance = 0;
        for (int p = 0; p < pixels; p++) {
          for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
            double distance = x[(b * pixels + p) * channels + c] - mean;
            variance += distance * distance;
          }
        }
        variance /= (double) pixels * perGroup;
        double scale = 1 / Math.sqrt(variance + epsilon);
        for (int p = 0; p < pixels; p++) {
          for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
            int index = (b * pixels + p) * channels + c;
            double y = (x[index] - mean) * scale * norm.scale().at(c) + norm.shift().at(c);
            out[index] = (float) Scalars.activate(y, activation);
          }
        }
      }
    }
  }

  /** x {@code [rows, C]}: a group norm of one group and one pixel per row. */
  static void layerNorm(
      float[] x, int rows, ReferenceParameters.Scales norm, double epsilon, float[] out) {
    groupNorm(x, rows, 1, norm, 1, epsilon, Activation.NONE, out);
  }
}
