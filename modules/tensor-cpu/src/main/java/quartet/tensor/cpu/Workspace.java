package quartet.tensor.cpu;

import quartet.tensor.Shape;
import quartet.tensor.cpu.core.CpuScope;

/**
 * Room that an op needs until it ends, from the device's own pool.
 *
 * <p>Owner: the op, which closes it. Thread: the device's.
 */
final class Workspace implements AutoCloseable {
  private final CpuScope room;

  Workspace(CpuScope scope) {
    this.room = scope.child("workspace");
  }

  /** The address of {@code count} floats of undefined content. */
  long floats(long count) {
    return room.allocate(Shape.of(count)).segment().address();
  }

  /** The address of {@code count} zeros. */
  long zeros(long count) {
    long address = floats(count);
    Native.zero(address, count * Float.BYTES);
    return address;
  }

  @Override
  public void close() {
    room.close();
  }
}
