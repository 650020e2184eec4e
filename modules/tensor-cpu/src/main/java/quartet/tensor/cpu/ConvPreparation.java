package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;

/** Decides how a convolution is computed and brings its weight into that form. */
final class ConvPreparation {
  /** The thin kernel keeps this many sums at once. */
  static final int THIN_OUT = 4;

  private ConvPreparation() {}

  static Prepared.Conv prepare(
      ParameterStore.Source source,
      HostTensor weight,
      @Nullable HostTensor bias,
      Conv2dGeometry geometry) {
    int cout = weight.shape().dim(0);
    int cin = weight.shape().dim(1);
    int taps = geometry.kernel() * geometry.kernel();
    Prepared.Method method = method(cin, cout, geometry);
    long count =
        switch (method) {
          case POINTWISE, PATCHES -> (long) taps * cin * cout;
          case WINOGRAD -> (long) Winograd.POSITIONS * cin * cout;
          case THIN -> (long) THIN_OUT * taps * cin;
        };
    long target = source.floats(count);
    switch (method) {
      case POINTWISE -> WeightReader.transpose(source.threads(), weight, cout, cin, target);
      case PATCHES -> patches(source.threads(), weight, cout, cin, taps, target);
      case WINOGRAD -> winograd(source.threads(), weight, cout, cin, target);
      case THIN -> thin(weight, cout, cin, taps, target);
    }
    long shift = WeightReader.vector(source, bias, cout);
    return new Prepared.Conv(
        cin, cout, geometry, method, target, shift, (count + cout) * Float.BYTES);
  }

  private static Prepared.Method method(int cin, int cout, Conv2dGeometry geometry) {
    boolean padded =
        geometry.padTop() + geometry.padLeft() + geometry.padBottom() + geometry.padRight() > 0;
    if (geometry.kernel() == 1 && geometry.stride() == 1 && !padded) {
      return Prepared.Method.POINTWISE;
    }
    if (geometry.kernel() == 3 && geometry.stride() == 1 && cin >= Native.LANES) {
      if (cout <= THIN_OUT && cin % Native.LANES == 0) {
        return Prepared.Method.THIN;
      }
      if (cout >= Native.LANES) {
        return Prepared.Method.WINOGRAD;
      }
    }
    return Prepared.Method.PATCHES;
  }

  /** {@code [Cout, Cin, taps] -> [taps * Cin, Cout]}. */
  private static void patches(
      CpuThreads threads, HostTensor weight, int cout, int cin, int taps, long target) {
    threads.run(
        cout,
        (co, scratch) -> {
          long filter = scratch.floats((long) cin * taps);
          WeightReader.floats(weight, (long) co * cin * taps, (long) cin * taps, filter);
          for (int ci = 0; ci < cin; ci++) {
            for (int tap = 0; tap < taps; tap++) {
              long row = (long) tap * cin + ci;
              Native.set(
                  target + (row * cout + co) * Float.BYTES,
                  Native.get(filter + ((long) ci * taps + tap) * Float.BYTES));
            }
          }
        });
  }

  /** {@code [Cout, Cin, taps] -> [4, taps, Cin]}, missing output channels zero. */
  private static void thin(HostTensor weight, int cout, int cin, int taps, long target) {
    Native.zero(target, (long) THIN_OUT * taps * cin * Float.BYTES);
    for (int co = 0; co < cout; co++) {
      for (int ci = 0; ci < cin; ci++) {
        for (int tap = 0; tap < taps; tap++) {
          long from = ((long) co * cin + ci) * taps + tap;
          long to = ((long) co * taps + tap) * cin + ci;
          Native.set(target + to * Float.BYTES, (float) weight.element(from));
        }
      }
    }
  }

  /**
   * {@code U = G g G^T} of each filter, {@code [Cout, Cin, 3, 3] -> [16, Cin, Cout]}. Source: Lavin
   * and Gray 2015, eq. 9 and section 4.1.
   *
   * <p>A chunk takes as many output channels as a vector has lanes, so that one vector holds the
   * same tap of that many filters.
   */
  private static void winograd(
      CpuThreads threads, HostTensor weight, int cout, int cin, long target) {
    int chunks = (cout + Native.LANES - 1) / Native.LANES;
    long stride = (long) cin * cout * Float.BYTES;
    threads.run(
        chunks,
        (chunk, scratch) -> {
          // The last chunk starts earlier instead of being narrower; what overlaps is written
          // twice.
          int co = Math.min(chunk * Native.LANES, cout - Native.LANES);
          long filters = scratch.floats((long) Native.LANES * cin * 9);
          WeightReader.floats(weight, (long) co * cin * 9, (long) Native.LANES * cin * 9, filters);
          float[] lanes = new float[9 * Native.LANES];
          for (int ci = 0; ci < cin; ci++) {
            for (int lane = 0; lane < Native.LANES; lane++) {
              long filter = filters + ((long) lane * cin + ci) * 9 * Float.BYTES;
              for (int tap = 0; tap < 9; tap++) {
                lanes[tap * Native.LANES + lane] = Native.get(filter + (long) tap * Float.BYTES);
              }
            }
            transformFilters(lanes, target + ((long) ci * cout + co) * Float.BYTES, stride);
          }
        });
  }

  private static void transformFilters(float[] lanes, long out, long stride) {
    FloatVector[] rows = new FloatVector[12];
    for (int column = 0; column < 3; column++) {
      FloatVector g0 = FloatVector.fromArray(Native.SPECIES, lanes, column * Native.LANES);
      FloatVector g1 = FloatVector.fromArray(Native.SPECIES, lanes, (3 + column) * Native.LANES);
      FloatVector g2 = FloatVector.fromArray(Native.SPECIES, lanes, (6 + column) * Native.LANES);
      FloatVector outer = g0.add(g2);
      rows[column] = g0;
      rows[3 + column] = outer.add(g1).mul(0.5f);
      rows[6 + column] = outer.sub(g1).mul(0.5f);
      rows[9 + column] = g2;
    }
    for (int row = 0; row < 4; row++) {
      FloatVector g0 = rows[3 * row];
      FloatVector g1 = rows[3 * row + 1];
      FloatVector g2 = rows[3 * row + 2];
      FloatVector outer = g0.add(g2);
      long to = out + 4L * row * stride;
      Native.store(g0, to);
      Native.store(outer.add(g1).mul(0.5f), to + stride);
      Native.store(outer.sub(g1).mul(0.5f), to + 2 * stride);
      Native.store(g2, to + 3 * stride);
    }
  }
}
