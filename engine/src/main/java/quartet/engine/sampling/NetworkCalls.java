package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.model.unet.BatchPart;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Shows a network all items of a batch at once, or some at a time: where a tensor would have more
 * elements than the libraries count, and, if the model says so, where the device has no room for
 * all. Items do not depend on each other.
 *
 * <p>What was found not to fit is not tried again. What a call makes on its way dies with the call,
 * so one that found no room leaves nothing behind.
 */
final class NetworkCalls {
  private static final Logger LOG = LoggerFactory.getLogger(NetworkCalls.class);

  private final boolean partsWhenFull;
  private final CancelToken cancel;
  private int fits = Integer.MAX_VALUE;

  /** A network, or several that need each other, as seen from a batch. */
  @FunctionalInterface
  interface Network {
    /**
     * What it says of some items.
     *
     * @param scope for all that is made; owns the results
     * @return each {@code [items of the part, ...]}, the one that is ready last at the end
     */
    List<Tensor> show(TensorScope scope, BatchPart part);
  }

  /**
   * For one network in one run.
   *
   * @param partsWhenFull whether to go on in parts where there is no room for all
   * @param cancel asked between calls that belong together, each of which is long
   */
  NetworkCalls(boolean partsWhenFull, CancelToken cancel) {
    this.partsWhenFull = partsWhenFull;
    this.cancel = cancel;
  }

  /**
   * What a network says of all items.
   *
   * @param scope owns the results
   * @param countable how many items libraries can count together; one is tried in any case
   * @return each {@code [items, ...]}
   */
  List<Tensor> show(TensorScope scope, int items, int countable, Network network) {
    while (true) {
      int size = perCall(items, Math.min(fits, Math.max(1, countable)));
      try {
        return size == items
            ? call(scope, BatchPart.whole(items), network)
            : inParts(scope, BatchPart.whole(items), size, network);
      } catch (EngineException e) {
        if (!partsWhenFull || e.kind() != ErrorKind.OUT_OF_MEMORY || size == 1) {
          throw e;
        }
        fits = size / 2;
        LOG.info(
            "No room for {} of {} items in the network at once, going on with at most {}",
            size,
            items,
            fits);
      }
    }
  }

  /**
   * Items per call: as many as fit, or somewhat fewer if all calls are equal then, as each size of
   * call has algorithms to be chosen and a graph to be recorded.
   */
  static int perCall(int items, int fits) {
    int most = Math.min(items, fits);
    for (int size = most; size > most / 2; size--) {
      if (items % size == 0) {
        return size;
      }
    }
    return most;
  }

  private static List<Tensor> call(TensorScope scope, BatchPart part, Network network) {
    try (TensorScope call = scope.child("network")) {
      return handedOver(call, network.show(call, part));
    }
  }

  /**
   * Halves of halves: what joins two of them frees both, so that results are there twice at most,
   * however many parts there are.
   */
  private List<Tensor> inParts(TensorScope scope, BatchPart part, int size, Network network) {
    int calls = Math.ceilDiv(part.to() - part.from(), size);
    if (calls == 1) {
      cancel.throwIfCancelled();
      List<Tensor> made = call(scope, part, network);
      // Waits for the device, or all parts would be on their way before the first is done.
      scope.ops().download(made.getLast());
      return made;
    }
    int middle = part.from() + calls / 2 * size;
    try (TensorScope halves = scope.child("parts")) {
      Ops ops = halves.ops();
      List<Tensor> first =
          inParts(halves, new BatchPart(part.from(), middle, part.items()), size, network);
      List<Tensor> second =
          inParts(halves, new BatchPart(middle, part.to(), part.items()), size, network);
      List<Tensor> joined = new ArrayList<>();
      for (int n = 0; n < first.size(); n++) {
        joined.add(ops.concatFirst(first.get(n), second.get(n)));
      }
      return handedOver(halves, joined);
    }
  }

  private static List<Tensor> handedOver(TensorScope from, List<Tensor> made) {
    return made.stream().map(from::handOver).toList();
  }
}
