package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * A matrix product in the Vector API alone, for platforms without a bundled oneDNN.
 *
 * <p>Four rows by two vectors of C stay in registers while k runs; B is read along its rows. A
 * transposed B is done by dot products of rows. No packing: half to two thirds of oneDNN's speed.
 */
final class VectorGemm implements Gemm {
  private static final int ROWS = 4;

  @Override
  public String name() {
    return "Vector API, " + Native.LANES + " lanes";
  }

  @Override
  public void prepareThread() {}

  @Override
  public void multiply(
      boolean transposeB,
      long m,
      long n,
      long k,
      float alpha,
      long a,
      long lda,
      long b,
      long ldb,
      float beta,
      long c,
      long ldc) {
    if (transposeB) {
      for (long i = 0; i < m; i++) {
        dots(n, k, alpha, a + i * lda * 4, b, ldb * 4, beta, c + i * ldc * 4);
      }
      return;
    }
    for (long j = 0; j < n; j += 2L * Native.LANES) {
      VectorMask<Float> left = Native.SPECIES.indexInRange(j, n);
      VectorMask<Float> right = Native.SPECIES.indexInRange(Math.min(j + Native.LANES, n), n);
      long i = 0;
      for (; i + ROWS <= m; i += ROWS) {
        panel(
            left,
            right,
            k,
            alpha,
            a + i * lda * 4,
            lda * 4,
            b + j * 4,
            ldb * 4,
            beta,
            c + (i * ldc + j) * 4,
            ldc * 4);
      }
      for (; i < m; i++) {
        row(
            left,
            right,
            k,
            alpha,
            a + i * lda * 4,
            b + j * 4,
            ldb * 4,
            beta,
            c + (i * ldc + j) * 4);
      }
    }
  }

  private static void panel(
      VectorMask<Float> left,
      VectorMask<Float> right,
      long k,
      float alpha,
      long a,
      long aStep,
      long b,
      long bStep,
      float beta,
      long c,
      long cStep) {
    FloatVector s00 = FloatVector.zero(Native.SPECIES);
    FloatVector s01 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    for (long p = 0; p < k; p++) {
      FloatVector b0 = Native.load(b, left);
      FloatVector b1 = Native.load(b + Native.VECTOR_BYTES, right);
      FloatVector a0 = FloatVector.broadcast(Native.SPECIES, Native.get(a));
      FloatVector a1 = FloatVector.broadcast(Native.SPECIES, Native.get(a + aStep));
      FloatVector a2 = FloatVector.broadcast(Native.SPECIES, Native.get(a + 2 * aStep));
      FloatVector a3 = FloatVector.broadcast(Native.SPECIES, Native.get(a + 3 * aStep));
      s00 = a0.fma(b0, s00);
      s01 = a0.fma(b1, s01);
      s10 = a1.fma(b0, s10);
      s11 = a1.fma(b1, s11);
      s20 = a2.fma(b0, s20);
      s21 = a2.fma(b1, s21);
      s30 = a3.fma(b0, s30);
      s31 = a3.fma(b1, s31);
      a += 4;
      b += bStep;
    }
    finish(s00, s01, left, right, alpha, beta, c);
    finish(s10, s11, left, right, alpha, beta, c + cStep);
    finish(s20, s21, left, right, alpha, beta, c + 2 * cStep);
    finish(s30, s31, left, right, alpha, beta, c + 3 * cStep);
  }

  private static void row(
      VectorMask<Float> left,
      VectorMask<Float> right,
      long k,
      float alpha,
      long a,
      long b,
      long bStep,
      float beta,
      long c) {
    FloatVector s0 = FloatVector.zero(Native.SPECIES);
    FloatVector s1 = s0;
    for (long p = 0; p < k; p++) {
      FloatVector a0 = FloatVector.broadcast(Native.SPECIES, Native.get(a + p * 4));
      s0 = a0.fma(Native.load(b, left), s0);
      s1 = a0.fma(Native.load(b + Native.VECTOR_BYTES, right), s1);
      b += bStep;
    }
    finish(s0, s1, left, right, alpha, beta, c);
  }

  private static void finish(
      FloatVector left,
      FloatVector right,
      VectorMask<Float> leftMask,
      VectorMask<Float> rightMask,
      float alpha,
      float beta,
      long c) {
    finishOne(left, leftMask, alpha, beta, c);
    if (rightMask.anyTrue()) {
      finishOne(right, rightMask, alpha, beta, c + Native.VECTOR_BYTES);
    }
  }

  private static void finishOne(
      FloatVector sum, VectorMask<Float> mask, float alpha, float beta, long c) {
    FloatVector out = sum.mul(alpha);
    if (beta != 0) {
      out = out.add(Native.load(c, mask).mul(beta));
    }
    Native.store(out, c, mask);
  }

  /** One row of A against all rows of a transposed B. */
  private static void dots(
      long n, long k, float alpha, long a, long b, long bStep, float beta, long c) {
    long full = k - k % Native.LANES;
    VectorMask<Float> tail = Native.tail(k);
    for (long j = 0; j < n; j++) {
      FloatVector sum = FloatVector.zero(Native.SPECIES);
      for (long p = 0; p < full; p += Native.LANES) {
        sum = Native.load(a + p * 4).fma(Native.load(b + p * 4), sum);
      }
      if (full < k) {
        sum = Native.load(a + full * 4, tail).fma(Native.load(b + full * 4, tail), sum);
      }
      float dot = alpha * VectorMath.sum(sum);
      Native.set(c + j * 4, beta == 0 ? dot : dot + beta * Native.get(c + j * 4));
      b += bStep;
    }
  }
}
