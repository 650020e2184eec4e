package quartet.cuda.raw;

import java.util.Map;
import quartet.cuda.CudaErrorCode;
import quartet.errors.EngineException;

/** Says that something is not installed. */
final class Missing {
  private Missing() {}

  static EngineException library(String soname, String advice) {
    return new EngineException(
        CudaErrorCode.CUDA_LIBRARY_MISSING,
        "%s was not found. %s `quartet doctor` lists where it was looked for."
            .formatted(soname, advice),
        Map.of("library", soname),
        null);
  }
}
