package quartet.tensor.cpu;

import java.lang.System.Logger.Level;

/**
 * What all virtual CPU devices of a process have in common: worker threads, the matrix product, the
 * memory budget, the freed memory that waits, and the prepared parameters.
 *
 * <p>Owner: whoever made it closes it after its backends. Thread: any.
 */
public final class CpuHost implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CpuHost.class.getName());

  private final CpuSettings settings;
  private final Gemm gemm;
  private final CpuThreads threads;
  private final MemoryBudget budget;
  private final BlockPool blocks;
  private final ParameterStore parameters;

  /** A host with its threads started. */
  public CpuHost(CpuSettings settings) {
    this.settings = settings;
    this.gemm = loadGemm(settings);
    this.threads = new CpuThreads(settings.threads(), gemm::prepareThread);
    this.budget = new MemoryBudget(settings.memoryBytes());
    this.blocks = new BlockPool(budget, settings.idleBytes());
    this.parameters = new ParameterStore(threads, budget);
  }

  private static Gemm loadGemm(CpuSettings settings) {
    if (!settings.useOneDnn()) {
      return new VectorGemm();
    }
    try {
      return OneDnnGemm.load();
    } catch (LinkageError | UnsupportedOperationException e) {
      LOG.log(
          Level.WARNING,
          "oneDNN cannot be loaded on this platform ({0}); matrix products run in the Vector API,"
              + " slower but equally exact",
          e.toString());
      return new VectorGemm();
    }
  }

  /** For people, for example {@code CPU, 2 threads, oneDNN 3.13, 16 lanes}. */
  public String description() {
    return "CPU, %d threads, %s, %d lanes".formatted(settings.threads(), gemm.name(), Native.LANES);
  }

  CpuSettings settings() {
    return settings;
  }

  Gemm gemm() {
    return gemm;
  }

  CpuThreads threads() {
    return threads;
  }

  MemoryBudget budget() {
    return budget;
  }

  BlockPool blocks() {
    return blocks;
  }

  ParameterStore parameters() {
    return parameters;
  }

  @Override
  public void close() {
    threads.close();
    parameters.close();
    blocks.close();
  }
}
