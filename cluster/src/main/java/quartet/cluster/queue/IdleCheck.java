package quartet.cluster.queue;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import quartet.cluster.placement.GpuView;
import quartet.cluster.placement.Placement;

/**
 * What {@link Assignment} promises, checked without its help: no device idles that should not.
 * Nothing is changed here.
 */
record IdleCheck(Placement placement, Backlog waiting, GpuSlots gpus, long nowMillis) {
  /** What is wrong, or empty. */
  Optional<String> complaint() {
    List<GpuView> usable =
        gpus.usable().stream().map(slot -> slot.view(slot.rest(nowMillis))).toList();
    List<GpuSlot> idle = gpus.idle();
    Iterator<Waiting> turns = waiting.turns();
    for (int i = 0; i < Assignment.LOOK_AHEAD && turns.hasNext(); i++) {
      Waiting one = turns.next();
      for (GpuSlot slot : idle) {
        if (one.mayRunOn(slot.gpuId) && placement.fits(one.work(), slot.view(0))) {
          double here = placement.estimate(one.work(), slot.view(0)).finishSeconds();
          double best = bestSeconds(one, usable, here);
          if (Assignment.soonEnough(here, best)) {
            return Optional.of(
                "GPU %d idles while prompt %s waits (%.3f s here, %.3f s at best)"
                    .formatted(slot.gpuId, one.promptId(), here, best));
          }
        }
      }
    }
    return Optional.empty();
  }

  private double bestSeconds(Waiting one, List<GpuView> usable, double here) {
    return one.pinnedTo() != null
        ? here
        : placement.choose(one.work(), usable).map(Placement.Estimate::finishSeconds).orElse(here);
  }
}
