package quartet.tensor.cuda;

/**
 * Asked before each block that a pool gives out, so that a test can let any one of them fail. The
 * product's gate lets everything pass.
 */
@FunctionalInterface
public interface AllocationGate {
  /** Lets everything pass. */
  AllocationGate OPEN = (use, bytes) -> {};

  /** Throws to refuse. */
  void before(MemoryUse use, long bytes);
}
