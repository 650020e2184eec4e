package quartet.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.Parameters;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.tensor.cpu.reference.ReferenceBackend;

/**
 * The fast CPU backend's ops against two references of the same run: a large matrix product (what
 * these cores can do at best) and the plain loops of the reference backend. Prints a Markdown
 * table.
 *
 * <p>GFLOP/s count the direct form's operations, so a Winograd convolution can exceed the ceiling.
 * Rounds of op, ceiling and reference alternate and medians are shown, so that other load on the
 * machine strikes all alike. The reference runs on shapes up to 0.7 GFLOP only.
 *
 * <p>From a clean checkout:
 *
 * <pre>{@code
 * ./mvnw -q -pl modules/bench -am -Pbench -DskipTests package -Dbench.main=quartet.bench.CpuOpsBench
 * }</pre>
 *
 * {@code -Dbench.args="vae"} keeps the rows whose name contains a word; {@code --vector} among the
 * arguments computes products without oneDNN.
 */
public final class CpuOpsBench {
  private static final double REFERENCE_LIMIT = 0.7e9;
  private static final int ROUNDS = 7;
  private static final double ROUND_SECONDS = 0.06;

  private static final ThreadMXBean THREADS =
      ManagementFactory.getPlatformMXBean(ThreadMXBean.class);

  private final CpuBackend fast;
  private final ReferenceBackend reference = new ReferenceBackend(Device.cpu(0));

  private CpuOpsBench(CpuBackend fast) {
    this.fast = fast;
  }

  /** Runs the rows whose names contain one of the words, or all. */
  public static void main(String[] args) {
    List<String> words = new ArrayList<>(Arrays.asList(args));
    boolean vectorOnly = words.remove("--vector");
    CpuSettings settings = CpuSettings.ofThisMachine().withOneDnn(!vectorOnly);
    try (CpuHost host = new CpuHost(settings);
        CpuBackend fast = new CpuBackend(host, Device.cpu(0))) {
      System.out.println(fast.description());
      System.out.println();
      System.out.println(
          "| op | GFLOP | ms | GFLOP/s | ceiling GFLOP/s | share of ceiling | heap KB per call |"
              + " reference / fast |");
      System.out.println("|---|---|---|---|---|---|---|---|");
      CpuOpsBench bench = new CpuOpsBench(fast);
      for (CpuOpsCases.Case row : CpuOpsCases.all()) {
        if (words.isEmpty() || words.stream().anyMatch(row.name()::contains)) {
          bench.row(row);
        }
      }
    }
  }

  private void row(CpuOpsCases.Case row) {
    boolean withReference = row.flop() <= REFERENCE_LIMIT;
    try (Subject op = new Subject(fast, row);
        Subject ceiling = new Subject(fast, CpuOpsCases.ceiling());
        Subject slow = withReference ? new Subject(reference, row) : new Subject(fast, row)) {
      op.warmUp();
      ceiling.warmUp();
      double[] opSeconds = new double[ROUNDS];
      double[] ceilingSeconds = new double[ROUNDS];
      double[] slowSeconds = new double[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        opSeconds[round] = op.seconds(ROUND_SECONDS);
        ceilingSeconds[round] = ceiling.seconds(ROUND_SECONDS);
        slowSeconds[round] = withReference && round < 2 ? slow.seconds(0) : Double.NaN;
      }
      double seconds = median(opSeconds, ROUNDS);
      double rate = row.flop() / seconds / 1e9;
      double best = CpuOpsCases.ceiling().flop() / median(ceilingSeconds, ROUNDS) / 1e9;
      System.out.printf(
          Locale.ROOT,
          "| %s | %.3f | %.3f | %.0f | %.0f | %.2f | %.0f | %s |%n",
          row.name(),
          row.flop() / 1e9,
          seconds * 1e3,
          rate,
          best,
          rate / best,
          op.heapBytesPerRun() / 1024,
          withReference
              ? "%.0f".formatted(Math.min(slowSeconds[0], slowSeconds[1]) / seconds)
              : "-");
    }
  }

  private static double median(double[] values, int count) {
    double[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return sorted[count / 2];
  }

  /** One op with its inputs, ready on one backend. */
  private static final class Subject implements AutoCloseable {
    private static final double WARM_UP_SECONDS = 0.6;

    private final TensorScope scope;
    private final Parameters parameters;
    private final CpuOpsCases.Op op;

    Subject(Backend backend, CpuOpsCases.Case row) {
      this.scope = backend.openScope("bench");
      this.parameters = backend.openParameters("bench " + row.name());
      this.op = row.prepare().on(scope.ops(), parameters);
    }

    void warmUp() {
      seconds(WARM_UP_SECONDS);
    }

    /** Seconds of one run, averaged over at least that long. */
    double seconds(double atLeast) {
      long start = System.nanoTime();
      int runs = 0;
      double passed;
      do {
        try (TensorScope step = scope.child("run")) {
          op.run(step.ops());
        }
        runs++;
        passed = (System.nanoTime() - start) / 1e9;
      } while (passed < atLeast);
      return passed / runs;
    }

    /**
     * What all threads allocate on the Java heap for one run. More than some kilobytes means that
     * the compiler keeps vectors as objects: see the note in the backend's Winograd class.
     */
    double heapBytesPerRun() {
      long before = THREADS.getTotalThreadAllocatedBytes();
      for (int run = 0; run < ROUNDS; run++) {
        seconds(0);
      }
      return (double) (THREADS.getTotalThreadAllocatedBytes() - before) / ROUNDS;
    }

    @Override
    public void close() {
      parameters.close();
      scope.close();
    }
  }
}
