package quartet.engine.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.tensor.DeviceMemory;

/**
 * The pretended hardware: what is in its memory, and the waiting.
 *
 * <p>Thread: the device's, but for {@link #memory}.
 */
final class SimMachine {
  /** Long waits are cut into these, so that a cancelled prompt ends soon. */
  private static final long SLICE_NANOS = 10_000_000;

  private final SimCosts costs;
  private final double speed;
  private final int maxResident;
  private final LinkedHashMap<Path, Long> resident = new LinkedHashMap<>(8, 0.75f, true);
  private final AtomicLong residentBytes = new AtomicLong();
  private volatile long activeBytes;

  SimMachine(SimCosts costs, int index, int maxResident) {
    this.costs = costs;
    this.speed = costs.speed(index);
    this.maxResident = maxResident;
  }

  SimCosts costs() {
    return costs;
  }

  /** Waits as long as the work would take here. */
  void spend(Duration cost, CancelToken cancel) {
    pass(Duration.ofNanos(Math.round(cost.toNanos() / speed)), cancel);
  }

  /** Waits, in pieces, so that a cancelled prompt ends soon. */
  static void pass(Duration time, CancelToken cancel) {
    long end = System.nanoTime() + time.toNanos();
    for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
      cancel.throwIfCancelled();
      LockSupport.parkNanos(Math.min(left, SLICE_NANOS));
    }
  }

  /** Brings a file's weights onto the device, if they are not there. */
  void use(Path file, CancelToken cancel) {
    if (resident.get(file) != null) {
      return;
    }
    long bytes;
    try {
      bytes = Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot see how large " + file + " is", e);
    }
    Iterator<Map.Entry<Path, Long>> oldest = resident.entrySet().iterator();
    while (oldest.hasNext()
        && (resident.size() >= maxResident || residentBytes.get() + bytes > costs.memoryBytes())) {
      residentBytes.addAndGet(-oldest.next().getValue());
      oldest.remove();
    }
    room(bytes, file.getFileName() + " needs");
    spend(costs.load(bytes), cancel);
    resident.put(file, bytes);
    residentBytes.addAndGet(bytes);
  }

  /**
   * Takes memory for the activations of so many images, until {@link #release}.
   *
   * @throws EngineException if they do not fit
   */
  void occupy(double images) {
    long bytes = costs.activations(images);
    room(bytes, "%.1f images of 512x512 need".formatted(images));
    activeBytes = bytes;
  }

  void release() {
    activeBytes = 0;
  }

  private void room(long bytes, String who) {
    long free = costs.memoryBytes() - residentBytes.get();
    if (bytes > free) {
      throw new EngineException(
          SimError.SIM_OUT_OF_MEMORY,
          "%s %d MB; the simulated device has %d MB free of %d MB"
              .formatted(
                  who, bytes / 1_000_000, free / 1_000_000, costs.memoryBytes() / 1_000_000));
    }
  }

  void clear() {
    resident.clear();
    residentBytes.set(0);
  }

  List<Path> resident() {
    return List.copyOf(resident.keySet());
  }

  DeviceMemory memory() {
    return new DeviceMemory(
        costs.memoryBytes(),
        costs.memoryBytes() - residentBytes.get() - activeBytes,
        activeBytes,
        residentBytes.get());
  }
}
