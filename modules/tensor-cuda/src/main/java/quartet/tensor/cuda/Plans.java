package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.CudnnGraph;

/**
 * Chooses the fastest of cuDNN's plans for a graph, once per card and shape.
 *
 * <p>A choice is remembered as the plan's place in the library's list of proposals, which is the
 * same for a version, card and graph.
 *
 * <p>Thread: the device's.
 */
record Plans(Tuning tuning, Stopwatch stopwatch, CudaSettings settings) {
  private static final int PATIENCE = 4;

  /** Where one run takes that long, the library's first guess is good enough to wait no longer. */
  private static final float TOO_LONG_MILLISECONDS = 200f;

  /**
   * Chooses a plan.
   *
   * @param key what the choice is remembered under
   * @param run runs the chosen plan
   * @param timing whether plans may be timed now; not while a graph is recorded
   * @return false if the library has none that can be built in the memory there is
   */
  boolean choose(String key, CudnnGraph graph, Runnable run, boolean timing) {
    List<MemorySegment> proposals = graph.configurations(settings.candidates());
    int known = known(key);
    if (known >= 0 && known < proposals.size()) {
      CudnnGraph.Plan plan = graph.build(proposals.get(known), settings.workspaceBytes());
      if (plan != null) {
        graph.choose(plan);
        return true;
      }
    }
    boolean timed = settings.tune() && timing;
    CudnnGraph.@Nullable Plan best = null;
    int place = -1;
    float fastest = Float.POSITIVE_INFINITY;
    for (int i = 0; i < proposals.size() && (timed || best == null); i++) {
      CudnnGraph.Plan plan = graph.build(proposals.get(i), settings.workspaceBytes());
      if (plan == null) {
        continue;
      }
      graph.choose(plan);
      float milliseconds = timed ? stopwatch.milliseconds(run) : Float.MAX_VALUE;
      if (milliseconds < fastest) {
        fastest = milliseconds;
        best = plan;
        place = i;
      } else if (i - place >= PATIENCE || fastest > TOO_LONG_MILLISECONDS) {
        break; // proposals come best guess first, and building one takes a second
      }
    }
    if (best == null) {
      return false;
    }
    graph.choose(best);
    if (timed) {
      tuning.choose(key, Integer.toString(place));
    }
    return true;
  }

  private int known(String key) {
    String choice = tuning.choice(key);
    try {
      return choice == null ? -1 : Integer.parseInt(choice);
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
