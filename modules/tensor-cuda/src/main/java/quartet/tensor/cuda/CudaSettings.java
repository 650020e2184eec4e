package quartet.tensor.cuda;

import java.nio.file.Path;

/**
 * What an operator can say about the CUDA backend.
 *
 * @param cacheFolder where compiled kernels and chosen algorithms are kept
 * @param tune whether algorithms are timed on first use, or the libraries' first guess is taken
 * @param candidates how many algorithms are timed for a shape
 * @param workspaceBytes device memory that algorithms may use
 */
public record CudaSettings(Path cacheFolder, boolean tune, int candidates, long workspaceBytes) {
  private static final int CANDIDATES = 10;
  private static final long WORKSPACE_BYTES = 64L << 20;

  /** The user's cache folder: {@code $XDG_CACHE_HOME/quartet} or {@code ~/.cache/quartet}. */
  public static CudaSettings standard() {
    String given = System.getenv("XDG_CACHE_HOME");
    Path base =
        given == null || given.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(given);
    return new CudaSettings(base.resolve("quartet"), true, CANDIDATES, WORKSPACE_BYTES);
  }

  /** The same with another cache folder. */
  public CudaSettings withCache(Path folder) {
    return new CudaSettings(folder, tune, candidates, workspaceBytes);
  }
}
