package quartet.cluster.queue;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The devices of a server, in the order of their numbers.
 *
 * <p>Thread: the queue's.
 */
final class GpuSlots {
  /** Memory counts as clearly more if it is more by one part in so many. */
  private static final int MORE_BY_ONE_PART_IN = 20;

  private final TreeMap<Integer, GpuSlot> byId = new TreeMap<>();

  void add(int gpuId) {
    byId.put(gpuId, new GpuSlot(gpuId));
  }

  /**
   * One device.
   *
   * @throws IllegalArgumentException if there is none of that number
   */
  GpuSlot get(int gpuId) {
    GpuSlot slot = byId.get(gpuId);
    if (slot == null) {
      throw new IllegalArgumentException("there is no GPU " + gpuId + ", only " + byId.keySet());
    }
    return slot;
  }

  Collection<GpuSlot> all() {
    return byId.values();
  }

  List<Integer> ids() {
    return List.copyOf(byId.keySet());
  }

  /** The lowest number of a device. */
  int firstId() {
    return byId.firstKey();
  }

  int count() {
    return byId.size();
  }

  /** Those where prompts may be started at all. */
  List<GpuSlot> usable() {
    return byId.values().stream().filter(GpuSlot::usable).toList();
  }

  /** Those where a prompt could be started now. */
  List<GpuSlot> idle() {
    return byId.values().stream().filter(GpuSlot::idle).toList();
  }

  /** The usable device with the most memory, if it has clearly more than this one. */
  Optional<Integer> larger(int gpuId) {
    long here = get(gpuId).totalBytes;
    return usable().stream()
        .filter(slot -> slot.totalBytes > here + here / MORE_BY_ONE_PART_IN)
        .max(Comparator.comparingLong(slot -> slot.totalBytes))
        .map(slot -> slot.gpuId);
  }
}
