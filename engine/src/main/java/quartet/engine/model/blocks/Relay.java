package quartet.engine.model.blocks;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A tensor passed from block to block: each block's temporaries die with the block, and each value
 * dies once the next one is made. So a long chain holds two activations, not all of them.
 *
 * <p>Owner: the scope it was opened in. Close it, or hand the last value over with {@link #finish}.
 */
public final class Relay implements AutoCloseable {
  private final TensorScope parent;
  private Tensor value;
  private @Nullable TensorScope owner;

  /** A block: from the tensor before to the tensor behind, which must be a new one. */
  @FunctionalInterface
  public interface Block {
    /** Runs the block; {@code ops} free everything but the result. */
    Tensor apply(Ops ops, Tensor x);
  }

  /**
   * A chain that begins with a tensor someone else owns.
   *
   * @param parent an open scope inside which or outside of which {@code start} lives
   */
  public Relay(TensorScope parent, Tensor start) {
    this.parent = parent;
    this.value = start;
  }

  /** Runs one block. */
  public Relay then(String purpose, Block block) {
    TensorScope next = parent.child(purpose);
    boolean done = false;
    try (TensorScope temporaries = next.child(purpose)) {
      value = temporaries.handOver(block.apply(temporaries.ops(), value));
      done = true;
    } finally {
      if (!done) {
        next.close();
      }
    }
    close();
    owner = next;
    return this;
  }

  /** The newest value. Dies with the next {@link #then}. */
  public Tensor value() {
    return value;
  }

  /** Hands the newest value over to the parent scope and closes the chain. */
  public Tensor finish() {
    if (owner != null) {
      owner.handOver(value);
      close();
    }
    return value;
  }

  @Override
  public void close() {
    if (owner != null) {
      owner.close();
      owner = null;
    }
  }
}
