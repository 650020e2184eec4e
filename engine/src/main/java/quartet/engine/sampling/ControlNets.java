package quartet.engine.sampling;

import quartet.engine.model.control.ControlModel;
import quartet.engine.value.ModelRefs;

/** Finds the networks that conditionings refer to, loaded on the run's device. */
@FunctionalInterface
public interface ControlNets {
  /** None: for runs whose conditionings refer to none. */
  ControlNets NONE =
      ref -> {
        throw new IllegalStateException(
            "no networks were given to this run, but " + ref + " is used");
      };

  /** The network; owned by the device's models. */
  ControlModel find(ModelRefs.ControlRef ref);
}
