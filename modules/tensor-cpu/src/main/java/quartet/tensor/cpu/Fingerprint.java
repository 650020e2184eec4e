package quartet.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A 64-bit hash of a block of bytes, to tell the parameters of one checkpoint apart. Four
 * independent streams keep the multiplier busy, so it runs at the speed of memory.
 */
final class Fingerprint {
  // Odd 64-bit multipliers of xxHash64 (Collet), used here for their mixing only.
  private static final long P1 = 0x9E3779B185EBCA87L;
  private static final long P2 = 0xC2B2AE3D27D4EB4FL;

  private Fingerprint() {}

  static long of(MemorySegment bytes) {
    long size = bytes.byteSize();
    long a = size;
    long b = P1;
    long c = P2;
    long d = P1 ^ P2;
    long i = 0;
    for (; i + 32 <= size; i += 32) {
      a = (a ^ bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i)) * P1;
      b = (b ^ bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 8)) * P1;
      c = (c ^ bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 16)) * P1;
      d = (d ^ bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 24)) * P1;
      a ^= a >>> 32;
      b ^= b >>> 32;
      c ^= c >>> 32;
      d ^= d >>> 32;
    }
    long hash = ((a * P2 ^ b) * P2 ^ c) * P2 ^ d;
    for (; i < size; i++) {
      hash = (hash ^ bytes.get(ValueLayout.JAVA_BYTE, i)) * P1;
      hash ^= hash >>> 29;
    }
    return hash * P2;
  }
}
