package quartet.tensor.cpu.reference;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;

/** Convolution and matrix products. */
final class ReferenceProducts {
  private ReferenceProducts() {}

  /** x {@code [B, H, W, Cin]}, result {@code [B, H', W', Cout]}. */
  static void conv2d(
      float[] x,
      int batch,
      int height,
      int width,
      ReferenceParameters.Conv conv,
      float @Nullable [] residual,
      float[] out) {
    Conv2dGeometry geometry = conv.geometry();
    int kernel = geometry.kernel();
    int cin = conv.inChannels();
    int cout = conv.outChannels();
    int index = 0;
    for (int b = 0; b < batch; b++) {
      for (int oy = 0; oy < geometry.outHeight(height); oy++) {
        for (int ox = 0; ox < geometry.outWidth(width); ox++) {
          for (int co = 0; co < cout; co++) {
            double sum = 0;
            for (int ky = 0; ky < kernel; ky++) {
              int y = oy * geometry.stride() - geometry.padTop() + ky;
              for (int kx = 0; kx < kernel; kx++) {
                int xx = ox * geometry.stride() - geometry.padLeft() + kx;
                if (y < 0 || y >= height || xx < 0 || xx >= width) {
                  continue;
                }
                int pixel = ((b * height + y) * width + xx) * cin;
                int tap = ((co * cin) * kernel + ky) * kernel + kx;
                for (int ci = 0; ci < cin; ci++) {
                  sum += (double) x[pixel + ci] * conv.weight().at(tap + ci * kernel * kernel);
                }
              }
            }
            sum += conv.bias().at(co);
            out[index] = (float) (residual == null ? sum : sum + residual[index]);
            index++;
          }
        }
      }
    }
  }

  /** x {@code [rows, Din]}, result {@code [rows, Dout]}. */
  static void linear(
      float[] x,
      ReferenceParameters.Lin linear,
      Activation activation,
      float @Nullable [] residual,
      float[] out) {
    int outWidth = linear.outWidth();
    for (int index = 0; index < out.length; index++) {
      double sum = Scalars.activate(dot(x, index / outWidth, linear, index % outWidth), activation);
      out[index] = (float) (residual == null ? sum : sum + residual[index]);
    }
  }

  /** x {@code [rows, Din]}, result {@code [rows, Dout / 2]}. */
  static void linearGeglu(float[] x, ReferenceParameters.Lin linear, float[] out) {
    int half = linear.outWidth() / 2;
    for (int index = 0; index < out.length; index++) {
      int row = index / half;
      double value = dot(x, row, linear, index % half);
      double gate = dot(x, row, linear, half + index % half);
      out[index] = (float) (value * Scalars.activate(gate, Activation.GELU));
    }
  }

  private static double dot(float[] x, int row, ReferenceParameters.Lin linear, int column) {
    double sum = 0;
    for (int i = 0; i < linear.inWidth(); i++) {
      sum +=
          (double) x[row * linear.inWidth() + i]
              * linear.weight().at(column * linear.inWidth() + i);
    }
    return sum + linear.bias().at(column);
  }
}
