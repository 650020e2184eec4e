package quartet.engine.model;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.Weights;
import quartet.engine.value.PartSource;
import quartet.errors.EngineException;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/** Sums of two parts' weights, number by number, made when a tensor is asked for. */
final class MergedWeights implements Weights {
  private final Weights first;
  private final Weights second;
  private final List<PartSource.Share> shares;

  MergedWeights(Weights first, Weights second, List<PartSource.Share> shares) {
    this.first = first;
    this.second = second;
    this.shares = shares;
  }

  @Override
  public String origin() {
    return first.origin() + " merged with " + second.origin();
  }

  @Override
  public String id() {
    return "(%s|%s)*%s".formatted(first.id(), second.id(), shares);
  }

  @Override
  public Set<String> names() {
    return first.names();
  }

  @Override
  public String nameInFile(String name) {
    return first.nameInFile(name);
  }

  @Override
  public @Nullable Shape shapeOrNull(String name) {
    return first.shapeOrNull(name);
  }

  @Override
  public @Nullable HostTensor tensorOrNull(String name) {
    HostTensor one = first.tensorOrNull(name);
    HostTensor other = second.tensorOrNull(name);
    PartSource.Share share = share(name);
    boolean unchanged = share.first() == 1 && share.second() == 0;
    if (one == null || other == null || unchanged || !one.dtype().isFloating()) {
      return one; // what only one of them has stays, as far as the first has it
    }
    if (!one.shape().equals(other.shape())) {
      throw new EngineException(
          ModelErrorCode.CHECKPOINT_TENSOR_UNFIT,
          "%s and %s cannot be merged: '%s' has shape %s in one and %s in the other."
              .formatted(first.origin(), second.origin(), name, one.shape(), other.shape()),
          Map.of("tensor", name),
          null);
    }
    float[] values = one.toFloats();
    float[] added = other.toFloats();
    float a = (float) share.first();
    float b = (float) share.second();
    for (int i = 0; i < values.length; i++) {
      values[i] = values[i] * a + added[i] * b;
    }
    return HostTensor.of(one.shape(), values);
  }

  private PartSource.Share share(String name) {
    PartSource.Share best = new PartSource.Share("", 1, 0);
    for (PartSource.Share share : shares) {
      if (name.startsWith(share.prefix()) && share.prefix().length() >= best.prefix().length()) {
        best = share;
      }
    }
    return best;
  }
}
