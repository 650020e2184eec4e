package quartet.cuda;

/** What a failed call means for those who have to go on. */
public sealed interface CudaFault {
  /** The device's memory is exhausted; the context is good, a smaller plan may succeed. */
  record OutOfMemory() implements CudaFault {}

  /** The call's own arguments or state are wrong: our fault; the context is good. */
  record BadCall() implements CudaFault {}

  /**
   * A kernel did something forbidden. Every later call in this process fails too, in any context:
   * only a new process helps.
   */
  record ContextPoisoned() implements CudaFault {}

  /** The device fell off the bus, has an uncorrectable memory error, or is held by others. */
  record DeviceGone() implements CudaFault {}

  /** The driver, a library or the card cannot do this at all. */
  record Unsupported() implements CudaFault {}

  /** True if nothing in this process can use the device any more. */
  default boolean sticky() {
    return switch (this) {
      case ContextPoisoned _ -> true;
      case DeviceGone _ -> true;
      case OutOfMemory _ -> false;
      case BadCall _ -> false;
      case Unsupported _ -> false;
    };
  }
}
