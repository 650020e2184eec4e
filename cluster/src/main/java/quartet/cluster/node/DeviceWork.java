package quartet.cluster.node;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuFigures;
import quartet.cluster.job.PromptJob;

/**
 * What the devices of a server have to do with prompts at the moment.
 *
 * <p>Thread: the router's.
 */
final class DeviceWork {
  /** A job that needs no device any more, and the device it ran on. */
  record Ending(int gpuId, PromptJob job) {}

  /** Names of devices by their number. */
  final Map<Integer, String> names = new HashMap<>();

  /** What each device has done so far. */
  final Map<Integer, GpuFigures> figures = new HashMap<>();

  /** What each device computes. */
  final Map<Integer, PromptJob> running = new HashMap<>();

  /** Off their devices and not ended, by prompt id, in the order in which they left. */
  final Map<String, Ending> leaving = new LinkedHashMap<>();

  /** Ended, and the end is being stored; by prompt id, in the order in which they ended. */
  final Map<String, Ending> endings = new LinkedHashMap<>();

  void add(int gpuId, String name) {
    names.put(gpuId, name);
    figures.put(gpuId, GpuFigures.NONE);
  }

  /** A job needs its device no more. */
  void left(int gpuId, PromptJob job) {
    running.remove(gpuId);
    leaving.put(job.promptId(), new Ending(gpuId, job));
  }

  /**
   * What a device that failed worked on.
   *
   * @param interrupted the job that the device names, or null
   */
  @Nullable PromptJob takeBack(int gpuId, @Nullable PromptJob interrupted) {
    boolean off = interrupted != null && leaving.remove(interrupted.promptId()) != null;
    PromptJob ran = off ? null : running.remove(gpuId);
    return interrupted == null ? ran : interrupted;
  }

  /** Whether no prompt is on a device or behind it. */
  boolean isIdle() {
    return running.isEmpty() && leaving.isEmpty();
  }

  /** Prompts on devices and behind them. */
  int size() {
    return running.size() + leaving.size();
  }
}
