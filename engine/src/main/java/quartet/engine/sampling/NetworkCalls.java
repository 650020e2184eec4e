package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.LargeTensors;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.Steering;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Shows the network all items at once, or some at a time: where a tensor would have more elements
 * than the libraries count, and, if the model says so, where the device has no room for all. Items
 * do not depend on each other.
 *
 * <p>What was found not to fit is not tried again in the same run.
 */
final class NetworkCalls {
  private static final Logger LOG = LoggerFactory.getLogger(NetworkCalls.class);

  private final DiffusionModel model;
  private final CancelToken cancel;
  private int fits = Integer.MAX_VALUE;

  /**
   * For one run.
   *
   * @param cancel asked between calls that belong together, each of which is long
   */
  NetworkCalls(DiffusionModel model, CancelToken cancel) {
    this.model = model;
    this.cancel = cancel;
  }

  /** What {@link DiffusionModel#predict} gives, but for steering that watches whole batches. */
  Tensor predict(
      TensorScope scope, Tensor x, float[] timesteps, PromptContext context, Steering steering) {
    int items = x.dim(0);
    // One is tried in any case.
    int countable = Math.max(1, LargeTensors.items(x.dim(1), x.dim(2), model.widestPixel()));
    while (true) {
      int size = perCall(items, Math.min(fits, countable));
      try {
        return size == items
            ? model.predict(scope, x, timesteps, context, steering)
            : inParts(scope, x, timesteps, context, steering, size);
      } catch (EngineException e) {
        if (!model.partsWhenFull() || e.kind() != ErrorKind.OUT_OF_MEMORY || size == 1) {
          throw e;
        }
        fits = size / 2;
        LOG.info(
            "No room for {} items of {}x{} in the network at once, going on with at most {}",
            size,
            x.dim(2),
            x.dim(1),
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

  private Tensor inParts(
      TensorScope scope,
      Tensor x,
      float[] timesteps,
      PromptContext context,
      Steering steering,
      int size) {
    int items = x.dim(0);
    try (TensorScope call = scope.child("parts")) {
      Ops ops = call.ops();
      Tensor whole = null;
      for (int from = 0; from < items; from += size) {
        cancel.throwIfCancelled();
        int to = Math.min(from + size, items);
        Part part = new Part(ops, items, from, to);
        Tensor made =
            model.predict(
                call,
                part.of(x),
                Arrays.copyOfRange(timesteps, from, to),
                part.of(context),
                part.of(steering));
        // Waits for the device, or all parts would be on their way before the first is done.
        ops.download(made);
        whole = whole == null ? made : ops.concatFirst(whole, made);
      }
      return call.handOver(Objects.requireNonNull(whole));
    }
  }

  /** Items {@code from} to {@code to} (exclusive) of all that has {@code items} of them. */
  private record Part(Ops ops, int items, int from, int to) {
    Tensor of(Tensor x) {
      return ops.sliceFirst(x, from, to);
    }

    private Tensor ofThoseWithItems(Tensor x) {
      return x.dim(0) == items ? of(x) : x;
    }

    private @Nullable Tensor ofThoseThere(@Nullable Tensor x) {
      return x == null ? null : ofThoseWithItems(x);
    }

    PromptContext of(PromptContext context) {
      List<PromptContext.KeyValue> blocks = new ArrayList<>();
      for (PromptContext.KeyValue block : context.blocks()) {
        blocks.add(new PromptContext.KeyValue(of(block.key()), of(block.value())));
      }
      return new PromptContext(to - from, blocks, ofThoseThere(context.label()));
    }

    Steering of(Steering steering) {
      return new Steering(
          of(steering.inputs()),
          of(steering.skips()),
          ofThoseThere(steering.middle()),
          steering.patches());
    }

    private Map<Integer, Tensor> of(Map<Integer, Tensor> summands) {
      Map<Integer, Tensor> parts = new HashMap<>();
      summands.forEach((block, x) -> parts.put(block, ofThoseWithItems(x)));
      return parts;
    }
  }
}
