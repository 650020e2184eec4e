package quartet.api.telemetry;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

  private static long heapAfterCollection() {
    long used = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      MemoryUsage after = pool.getType() == MemoryType.HEAP ? pool.getCollectionUsage() : null;
      used += after == null ? 0 : after.getUsed();
    }
    return used;
  }

  private static long kilobytes(List<String> status, String name) {
    return status.stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElse(0);
  }
}
