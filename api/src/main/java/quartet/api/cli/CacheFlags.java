package quartet.api.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.ServeError;
import quartet.engine.exec.CacheMode;
import quartet.errors.EngineException;

/** Which results are kept between prompts; names are ComfyUI's. */
final class CacheFlags {
  private CacheFlags() {}

  /** At most one of these may be given. */
  static final class Choice {
    @CommandLine.Option(
        names = "--cache-classic",
        description = "Keeps the results that the coming prompt can use (default).")
    private boolean classic;

    @CommandLine.Option(
        names = "--cache-lru",
        paramLabel = "N",
        description = "Keeps the N results that were used last, over prompts.")
    private @Nullable Integer lru;

    @CommandLine.Option(
        names = "--cache-none",
        description = "Keeps no results: every node runs in every prompt.")
    private boolean none;
  }

  /**
   * What was chosen.
   *
   * @throws EngineException if the number makes no sense
   */
  static CacheMode mode(@Nullable Choice choice) {
    if (choice == null || choice.classic) {
      return new CacheMode.Classic();
    }
    if (choice.none) {
      return new CacheMode.None();
    }
    int results = choice.lru == null ? 0 : choice.lru;
    if (results < 0) {
      throw new EngineException(
          ServeError.BAD_OPTION, "--cache-lru is %d; it must be 0 or more".formatted(results));
    }
    // ComfyUI's --cache-lru 0 is its classic cache.
    return results == 0 ? new CacheMode.Classic() : new CacheMode.Lru(results);
  }
}
