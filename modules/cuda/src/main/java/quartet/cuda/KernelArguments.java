package quartet.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of the next launch, in native memory that is used again: a launch copies them
 * before it returns, so one instance serves a whole thread without an allocation.
 *
 * <p>Owner: the device's backend. Thread: the device's.
 */
public final class KernelArguments {
  private static final int SLOTS = 32;

  private final MemorySegment values;
  private final MemorySegment pointers;
  private int count;

  /** Room for {@value #SLOTS} arguments in the arena. */
  public KernelArguments(Arena arena) {
    values = arena.allocate(SLOTS * 8L, 8);
    pointers = arena.allocate(SLOTS * 8L, 8);
    for (int i = 0; i < SLOTS; i++) {
      pointers.setAtIndex(ValueLayout.JAVA_LONG, i, values.address() + i * 8L);
    }
  }

  /** Begins anew. */
  public KernelArguments start() {
    count = 0;
    return this;
  }

  /** A device address, or a 64-bit number. */
  public KernelArguments add(long value) {
    values.setAtIndex(ValueLayout.JAVA_LONG, next(), value);
    return this;
  }

  /** A 32-bit number. */
  public KernelArguments add(int value) {
    values.set(ValueLayout.JAVA_INT, next() * 8L, value);
    return this;
  }

  /** A float. */
  public KernelArguments add(float value) {
    values.set(ValueLayout.JAVA_FLOAT, next() * 8L, value);
    return this;
  }

  private int next() {
    if (count == SLOTS) {
      throw new IllegalStateException("a kernel of more than " + SLOTS + " arguments");
    }
    return count++;
  }

  /** The array of pointers that a launch wants. */
  public MemorySegment pointers() {
    return pointers;
  }
}
