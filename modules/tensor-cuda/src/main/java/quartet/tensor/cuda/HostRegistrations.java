package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cuda.CudaDriver;

/**
 * Mapped files that are page-locked for all devices of the process, so that copies go straight from
 * the page cache over the link. One registration per file, however many devices and models use it.
 *
 * <p>Thread: any, with a device bound.
 */
public final class HostRegistrations {
  private static final Logger LOG = LoggerFactory.getLogger(HostRegistrations.class);

  private final Map<Long, Entry> entries = new HashMap<>();

  private static final class Entry {
    int holders;
    boolean registered;
  }

  /** Whether copies from the region are direct. It must be released as often as it was held. */
  synchronized boolean hold(CudaDriver driver, MemorySegment region) {
    Entry entry = entries.computeIfAbsent(region.address(), address -> new Entry());
    if (entry.holders++ == 0) {
      long start = System.nanoTime();
      entry.registered = driver.registerReadOnly(region);
      LOG.debug(
          "{} bytes of mapped weights {} in {} ms",
          region.byteSize(),
          entry.registered ? "page-locked" : "cannot be page-locked",
          (System.nanoTime() - start) / 1_000_000);
    }
    return entry.registered;
  }

  /** Undoes one hold. Copies from the region must be done. */
  synchronized void release(CudaDriver driver, MemorySegment region) {
    Entry entry = entries.get(region.address());
    if (entry == null) {
      throw new IllegalStateException("a region is released that nobody holds");
    }
    entry.holders--;
    if (entry.holders == 0) {
      entries.remove(region.address());
      if (entry.registered) {
        driver.unregister(region);
      }
    }
  }
}
