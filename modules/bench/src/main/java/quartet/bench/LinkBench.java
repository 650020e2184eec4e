package quartet.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import quartet.cuda.CudaDriver;
import quartet.cuda.raw.RealDriver;

/**
 * The ceiling of loading weights: copies to the first GPU out of a mapped file that is page-locked,
 * and out of the driver's own page-locked memory, by the size of the pieces.
 *
 * <pre>
 * java … quartet.bench.LinkBench FILE
 * </pre>
 */
public final class LinkBench {
  private static final long TOTAL_BYTES = 1L << 30;
  private static final List<Long> PIECES =
      List.of(64L << 10, 512L << 10, 2L << 20, 8L << 20, 64L << 20, 512L << 20);
  private static final int RUNS = 4;

  private LinkBench() {}

  /** Prints one line per source and piece size. */
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      System.err.println("arguments: FILE of at least 1 GiB");
      System.exit(2);
    }
    try (FileChannel file = FileChannel.open(Path.of(args[0]), StandardOpenOption.READ);
        Arena arena = Arena.ofConfined()) {
      CudaDriver driver = RealDriver.open(0);
      MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
      MemorySegment pinned = driver.allocatePinned(TOTAL_BYTES);
      pinned.fill((byte) 1);
      long start = System.nanoTime();
      boolean direct = driver.registerReadOnly(mapped);
      System.out.printf(
          "%s in %.0f ms%n",
          direct ? "page-locked" : "NOT page-locked", (System.nanoTime() - start) / 1e6);
      for (long piece : PIECES) {
        System.out.printf(
            "pieces of %,d bytes: mapped file %.1f GB/s, driver's memory %.1f GB/s%n",
            piece, rate(driver, mapped, piece), rate(driver, pinned, piece));
      }
      if (direct) {
        driver.unregister(mapped);
      }
      driver.freePinned(pinned);
      driver.close();
    }
  }

  /** The best of some runs over the first GiB. */
  private static double rate(CudaDriver driver, MemorySegment source, long piece) {
    long target = driver.allocate(TOTAL_BYTES);
    long stream = driver.createStream();
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
      long start = System.nanoTime();
      for (long at = 0; at < TOTAL_BYTES; at += piece) {
        driver.copyToDevice(target + at, source.asSlice(at, piece), stream);
      }
      driver.synchronize(stream);
      best = Math.max(best, TOTAL_BYTES / (double) (System.nanoTime() - start));
    }
    driver.destroyStream(stream);
    driver.free(target);
    return best;
  }
}
