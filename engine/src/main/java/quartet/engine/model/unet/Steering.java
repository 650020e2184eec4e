package quartet.engine.model.unet;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Tensor;

/**
 * What other networks and options add to one evaluation of the UNet. Source: Zhang et al. 2023,
 * "ControlNet", section 3.2; Mou et al. 2023, "T2I-Adapter", section 3.2.
 *
 * @param inputs added behind the input block of that number, where it goes on and where it is
 *     looked back at
 * @param skips added to what is looked back at of the input block of that number
 * @param middle added behind the middle block, one after the other
 * @param patches changes inside the network
 */
public record Steering(
    Map<Integer, Tensor> inputs,
    Map<Integer, Tensor> skips,
    @Nullable Tensor middle,
    Patches patches) {
  /** Adds nothing. */
  public static final Steering NONE = new Steering(Map.of(), Map.of(), null, Patches.NONE);

  /** Copies the maps. */
  public Steering {
    inputs = Map.copyOf(inputs);
    skips = Map.copyOf(skips);
  }

  /** Whether the network does what it would do alone. */
  public boolean isNone() {
    return equals(NONE);
  }
}
