package quartet.api.telemetry;

import com.sun.management.GarbageCollectorMXBean;
import com.sun.management.GcInfo;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.errors.Required;

/** The server's process as the operating system sees it. Source: proc(5), /proc/PID/status. */
final class ProcessFigures {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessFigures.class);
  private static final Path STATUS = Path.of("/proc/self/status");

  private final Path output;

  ProcessFigures(Path output) {
    this.output = output;
  }

  void tell(Meters meters) {
    Runtime java = Runtime.getRuntime();
    meters.now(Figure.HEAP, Labels.NONE, (double) java.totalMemory() - java.freeMemory());
    meters.now(Figure.HEAP_LIVE, Labels.NONE, (double) heapAfterCollection());
    meters.now(Figure.CLOCK, Labels.NONE, System.currentTimeMillis() / 1000.0);
    meters.now(
        Figure.STARTED, Labels.NONE, ManagementFactory.getRuntimeMXBean().getStartTime() / 1000.0);
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      meters.now(Figure.FILES, Labels.NONE, (double) unix.getOpenFileDescriptorCount());
      meters.now(Figure.MAX_FILES, Labels.NONE, (double) unix.getMaxFileDescriptorCount());
    }
    try {
      meters.now(
          Figure.DISK_FREE, Labels.NONE, (double) Files.getFileStore(output).getUsableSpace());
      List<String> status = Files.readAllLines(STATUS);
      long resident = kilobytes(status, "VmRSS:");
      meters.now(Figure.RESIDENT, Labels.NONE, resident * 1024.0);
      meters.now(Figure.ANONYMOUS, Labels.NONE, kilobytes(status, "RssAnon:") * 1024.0);
      meters.now(Figure.THREADS, Labels.NONE, (double) kilobytes(status, "Threads:"));
    } catch (IOException e) {
      LOG.debug("the process's figures cannot be read: {}", e.toString());
    }
  }

  /**
   * Over all of the heap: a pool's own figure is as old as the last collection of that pool, which
   * for the old generation may never come.
   */
  static long heapAfterCollection() {
    return ManagementFactory.getPlatformMXBeans(GarbageCollectorMXBean.class).stream()
        .map(GarbageCollectorMXBean::getLastGcInfo)
        .filter(Objects::nonNull)
        .max(Comparator.comparingLong(GcInfo::getEndTime))
        .map(ProcessFigures::heapAfter)
        .orElse(0L);
  }

  private static long heapAfter(GcInfo collection) {
    Map<String, MemoryUsage> after = collection.getMemoryUsageAfterGc();
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP && after.containsKey(pool.getName()))
        .mapToLong(pool -> Required.in(after, pool.getName()).getUsed())
        .sum();
  }

  private static long kilobytes(List<String> status, String name) {
    return status.stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElse(0);
  }
}
