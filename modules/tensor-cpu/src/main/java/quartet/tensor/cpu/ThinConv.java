package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import quartet.tensor.Conv2dGeometry;

/**
 * A 3x3 convolution of stride 1 to at most four channels, as dot products along the input channels:
 * the last convolution of a UNet and of a VAE decoder.
 *
 * <p>A matrix product four columns wide would use a quarter of a vector's lanes. Here each vector
 * of the image is read once and multiplied into four sums. The input channels are whole vectors.
 */
final class ThinConv {
  private final CpuHost host;

  ThinConv(CpuHost host) {
    this.host = host;
  }

  /**
   * @param residual like the result, or 0
   */
  void run(Prepared.Conv conv, long x, int batch, int height, int width, long residual, long out) {
    int outHeight = conv.geometry().outHeight(height);
    int outWidth = conv.geometry().outWidth(width);
    host.threads()
        .run(
            batch * outHeight,
            (row, scratch) -> {
              long image = x + (long) (row / outHeight) * height * width * conv.inChannels() * 4;
              long line = (long) row * outWidth * conv.outChannels() * Float.BYTES;
              line(
                  conv,
                  image,
                  height,
                  width,
                  row % outHeight,
                  outWidth,
                  residual == 0 ? 0 : residual + line,
                  out + line);
            });
  }

  private static void line(
      Prepared.Conv conv,
      long image,
      int height,
      int width,
      int outY,
      int outWidth,
      long residual,
      long out) {
    Conv2dGeometry geometry = conv.geometry();
    int cin = conv.inChannels();
    int cout = conv.outChannels();
    long filter = 9L * cin * Float.BYTES;
    long pixelBytes = (long) cin * Float.BYTES;
    for (int ox = 0; ox < outWidth; ox++) {
      FloatVector s0 = FloatVector.zero(Native.SPECIES);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      int left = ox - geometry.padLeft();
      int from = Math.clamp(-left, 0, 3);
      int until = Math.clamp(width - left, from, 3);
      for (int ky = 0; ky < 3; ky++) {
        int y = outY - geometry.padTop() + ky;
        if (y < 0 || y >= height) {
          continue;
        }
        // The taps of a row are neighbours in the image and in the filter: one long dot product.
        long count = (long) (until - from) * cin;
        long pixels = image + (((long) y * width) + left + from) * pixelBytes;
        long taps = conv.weight() + (3L * ky + from) * pixelBytes;
        for (long i = 0; i < count * Float.BYTES; i += Native.VECTOR_BYTES) {
          FloatVector v = Native.load(pixels + i);
          s0 = v.fma(Native.load(taps + i), s0);
          s1 = v.fma(Native.load(taps + filter + i), s1);
          s2 = v.fma(Native.load(taps + 2 * filter + i), s2);
          s3 = v.fma(Native.load(taps + 3 * filter + i), s3);
        }
      }
      long at = (long) ox * cout * Float.BYTES;
      write(s0, conv.bias(), 0, at, residual, out);
      if (cout > 1) {
        write(s1, conv.bias(), 1, at, residual, out);
      }
      if (cout > 2) {
        write(s2, conv.bias(), 2, at, residual, out);
      }
      if (cout > 3) {
        write(s3, conv.bias(), 3, at, residual, out);
      }
    }
  }

  private static void write(
      FloatVector sums, long bias, long channel, long at, long residual, long out) {
    long index = at + channel * Float.BYTES;
    float value = VectorMath.sum(sums) + Native.get(bias + channel * Float.BYTES);
    Native.set(out + index, residual == 0 ? value : value + Native.get(residual + index));
  }
}
