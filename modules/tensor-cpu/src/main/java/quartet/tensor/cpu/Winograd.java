package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import quartet.tensor.Conv2dGeometry;

/**
 * The transforms of Winograd's F(2x2, 3x3): a 4x4 patch of the image becomes 16 numbers per
 * channel, 16 sums over the channels become 2x2 pixels. Source: Lavin and Gray 2015, eq. 8 and
 * section 4.1.
 *
 * <p>Layouts: patches {@code [16, tiles, Cin]}, sums {@code [16, tiles, Cout]}; position p starts
 * at {@code p * stride} bytes, where the stride has one cache line more than the data, because 16
 * streams a power of two apart would fall into one set of the L1 cache.
 *
 * <p>Trick: where the channels are no multiple of a vector, the last vector starts earlier and
 * overlaps its neighbour; it writes the same numbers again. So there are no masks. Channels are at
 * least one vector.
 *
 * <p>Trick: the transforms are cut into small loops with at most 16 loads and stores each, though a
 * single loop would load less. In one loop the compiler runs out of its budget for inlining and
 * keeps vectors as objects on the heap: four times slower, measured.
 */
final class Winograd {
  static final int POSITIONS = 16;
  private static final int CACHE_LINE = 64;

  private final int height;
  private final int width;
  private final int channels;
  private final int outHeight;
  private final int outWidth;
  private final int outChannels;
  private final int padTop;
  private final int padLeft;
  private final int tilesDown;
  private final int tilesAcross;

  /** The tiles of images {@code [., height, width, Cin]}. */
  Winograd(int height, int width, Prepared.Conv conv) {
    Conv2dGeometry geometry = conv.geometry();
    this.height = height;
    this.width = width;
    this.channels = conv.inChannels();
    this.outHeight = geometry.outHeight(height);
    this.outWidth = geometry.outWidth(width);
    this.outChannels = conv.outChannels();
    this.padTop = geometry.padTop();
    this.padLeft = geometry.padLeft();
    this.tilesDown = (outHeight + 1) / 2;
    this.tilesAcross = (outWidth + 1) / 2;
  }

  int tilesPerImage() {
    return tilesDown * tilesAcross;
  }

  /** Bytes from one position to the next for that many tiles and channels. */
  static long stride(long tiles, long channels) {
    long bytes = tiles * channels * Float.BYTES;
    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE + CACHE_LINE;
  }

  /**
   * Transforms the patches of {@code count} tiles from {@code first} on, counted over all images.
   *
   * @param zeros a row of {@code Cin} zeros, for what lies outside
   */
  void scatterPatches(long x, long first, int count, long patches, long stride, long zeros) {
    long[] rows = new long[POSITIONS];
    for (int t = 0; t < count; t++) {
      long tile = first + t;
      int image = (int) (tile / tilesPerImage());
      int inImage = (int) (tile % tilesPerImage());
      int top = inImage / tilesAcross * 2 - padTop;
      int left = inImage % tilesAcross * 2 - padLeft;
      for (int r = 0; r < 4; r++) {
        int y = top + r;
        for (int c = 0; c < 4; c++) {
          int xx = left + c;
          boolean inside = y >= 0 && y < height && xx >= 0 && xx < width;
          rows[r * 4 + c] =
              inside
                  ? x + (((long) image * height + y) * width + xx) * channels * Float.BYTES
                  : zeros;
        }
      }
      patch(rows, channels, patches + (long) t * channels * Float.BYTES, stride);
    }
  }

  /** {@code B^T d B} of one tile: first row, the two middle ones, last row. */
  private static void patch(long[] rows, int channels, long out, long stride) {
    outerRow(rows, 0, 8, channels, out, stride);
    innerRows(rows, channels, out + 4 * stride, stride);
    outerRow(rows, 4, 12, channels, out + 12 * stride, stride);
  }

  /** First or last row: the difference of two lines of the patch. */
  private static void outerRow(
      long[] rows, int plus, int minus, int channels, long out, long stride) {
    long p0 = rows[plus];
    long p1 = rows[plus + 1];
    long p2 = rows[plus + 2];
    long p3 = rows[plus + 3];
    long m0 = rows[minus];
    long m1 = rows[minus + 1];
    long m2 = rows[minus + 2];
    long m3 = rows[minus + 3];
    for (int c = 0; c < channels; c += Native.LANES) {
      long at = (long) Math.min(c, channels - Native.LANES) * Float.BYTES;
      FloatVector a = Native.load(p0 + at).sub(Native.load(m0 + at));
      FloatVector b = Native.load(p1 + at).sub(Native.load(m1 + at));
      FloatVector d = Native.load(p2 + at).sub(Native.load(m2 + at));
      FloatVector e = Native.load(p3 + at).sub(Native.load(m3 + at));
      long to = out + at;
      Native.store(a.sub(d), to);
      Native.store(b.add(d), to + stride);
      Native.store(d.sub(b), to + 2 * stride);
      Native.store(b.sub(e), to + 3 * stride);
    }
  }

  /** The two rows between: sum and difference of the patch's middle lines. */
  private static void innerRows(long[] rows, int channels, long out, long stride) {
    long p0 = rows[4];
    long p1 = rows[5];
    long p2 = rows[6];
    long p3 = rows[7];
    long q0 = rows[8];
    long q1 = rows[9];
    long q2 = rows[10];
    long q3 = rows[11];
    for (int c = 0; c < channels; c += Native.LANES) {
      long at = (long) Math.min(c, channels - Native.LANES) * Float.BYTES;
      FloatVector a = Native.load(p0 + at);
      FloatVector b = Native.load(p1 + at);
      FloatVector d = Native.load(p2 + at);
      FloatVector e = Native.load(p3 + at);
      FloatVector f = Native.load(q0 + at);
      FloatVector g = Native.load(q1 + at);
      FloatVector h = Native.load(q2 + at);
      FloatVector i = Native.load(q3 + at);
      FloatVector left = b.add(g);
      FloatVector right = d.add(h);
      long to = out + at;
      Native.store(a.add(f).sub(right), to);
      Native.store(left.add(right), to + stride);
      Native.store(right.sub(left), to + 2 * stride);
      Native.store(left.sub(e.add(i)), to + 3 * stride);
      left = g.sub(b);
      right = h.sub(d);
      to += 4 * stride;
      Native.store(f.sub(a).sub(right), to);
      Native.store(left.add(right), to + stride);
      Native.store(right.sub(left), to + 2 * stride);
      Native.store(left.sub(i.sub(e)), to + 3 * stride);
    }
  }

  /**
   * Turns the sums of {@code count} tiles into pixels: {@code A^T m A + bias [+ residual]}.
   *
   * @param residual like the result, or 0
   */
  void gatherPixels(
      long sums, long stride, long first, int count, long bias, long residual, long out) {
    long[] pixels = new long[4];
    for (int t = 0; t < count; t++) {
      long tile = first + t;
      long image = tile / tilesPerImage();
      int inImage = (int) (tile % tilesPerImage());
      int top = inImage / tilesAcross * 2;
      int left = inImage % tilesAcross * 2;
      for (int i = 0; i < 4; i++) {
        int y = top + i / 2;
        int x = left + i % 2;
        pixels[i] =
            y < outHeight && x < outWidth
                ? ((image * outHeight + y) * outWidth + x) * outChannels * Float.BYTES
                : -1;
      }
      long from = sums + (long) t * outChannels * Float.BYTES;
      pixels(from, stride, outChannels, bias, residual, out, pixels);
    }
  }

  private static void pixels(
      long sums, long stride, int channels, long bias, long residual, long out, long[] pixels) {
    upperPixels(sums, stride, channels, bias, residual, out, pixels[0], pixels[1]);
    if (pixels[2] >= 0) {
      lowerPixels(sums, stride, channels, bias, residual, out, pixels[2], pixels[3]);
    }
  }

  private static void upperPixels(
      long sums,
      long stride,
      int channels,
      long bias,
      long residual,
      long out,
      long left,
      long right) {
    for (int c = 0; c < channels; c += Native.LANES) {
      long at = (long) Math.min(c, channels - Native.LANES) * Float.BYTES;
      long m = sums + at;
      FloatVector shift = Native.load(bias + at);
      FloatVector u1 = total(m + stride, stride);
      FloatVector u2 = total(m + 2 * stride, stride);
      FloatVector u0 = total(m, stride).add(shift);
      write(u0.add(u1).add(u2), left + at, residual, out);
      if (right >= 0) {
        FloatVector u3 = total(m + 3 * stride, stride);
        write(u1.add(shift).sub(u2).sub(u3), right + at, residual, out);
      }
    }
  }

  private static void lowerPixels(
      long sums,
      long stride,
      int channels,
      long bias,
      long residual,
      long out,
      long left,
      long right) {
    for (int c = 0; c < channels; c += Native.LANES) {
      long at = (long) Math.min(c, channels - Native.LANES) * Float.BYTES;
      long m = sums + at;
      FloatVector shift = Native.load(bias + at);
      FloatVector v1 = difference(m + stride, stride);
      FloatVector v2 = difference(m + 2 * stride, stride);
      FloatVector v0 = difference(m, stride).add(shift);
      write(v0.add(v1).add(v2), left + at, residual, out);
      if (right >= 0) {
        FloatVector v3 = difference(m + 3 * stride, stride);
        write(v1.add(shift).sub(v2).sub(v3), right + at, residual, out);
      }
    }
  }

  /** Rows 0, 1 and 2 of one column. */
  private static FloatVector total(long m, long stride) {
    return Native.load(m).add(Native.load(m + 4 * stride)).add(Native.load(m + 8 * stride));
  }

  /** Row 1 less rows 2 and 3 of one column. */
  private static FloatVector difference(long m, long stride) {
    return Native.load(m + 4 * stride)
        .sub(Native.load(m + 8 * stride))
        .sub(Native.load(m + 12 * stride));
  }

  private static void write(FloatVector value, long at, long residual, long out) {
    FloatVector full = residual == 0 ? value : value.add(Native.load(residual + at));
    Native.store(full, out + at);
  }
}
