package quartet.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads and stores by address.
 *
 * <p>Trick: kernels work on plain addresses inside one segment that covers the whole address space.
 * So the compiler sees one constant base, a load is one instruction, and rows of different blocks
 * (an image, a page of zeros for its border) mix freely. The price is that nothing here checks
 * bounds: the ops check shapes before a kernel starts, and only this package may call it.
 */
final class Native {
  /** As wide as the machine likes; results repeat on one machine, not across vector widths. */
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  static final int LANES = SPECIES.length();

  /** Bytes of one vector. */
  static final int VECTOR_BYTES = LANES * Float.BYTES;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final MemorySegment ALL = everything();

  private Native() {}

  static {
    if (LANES < 2 || LANES > 16) {
      throw new ExceptionInInitializerError("kernels are written for 2 to 16 lanes, not " + LANES);
    }
  }

  @SuppressWarnings("restricted")
  private static MemorySegment everything() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  static MemorySegment all() {
    return ALL;
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ByteOrder.nativeOrder());
  }

  static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ByteOrder.nativeOrder(), mask);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(ALL, address, ByteOrder.nativeOrder());
  }

  static void store(FloatVector vector, long address, VectorMask<Float> mask) {
    vector.intoMemorySegment(ALL, address, ByteOrder.nativeOrder(), mask);
  }

  static float get(long address) {
    return ALL.get(FLOAT, address);
  }

  static void set(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  static int getInt(long address) {
    return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
  }

  /** The mask of the lanes that are left over after the last full vector of {@code count}. */
  static VectorMask<Float> tail(long count) {
    return SPECIES.indexInRange(0, (int) (count % LANES));
  }

  static void copy(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }

  static void zero(long address, long bytes) {
    ALL.asSlice(address, bytes).fill((byte) 0);
  }
}
