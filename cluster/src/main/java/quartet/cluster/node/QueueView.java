package quartet.cluster.node;

import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuFigures;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.placement.GpuOutlook;
import quartet.cluster.queue.DeviceNow;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Projection;
import quartet.cluster.split.SplitRun;
import quartet.errors.Required;

/**
 * How things look on this server, for people and for other servers. What takes long to work out is
 * kept until something changes.
 *
 * <p>Thread: the router's.
 */
final class QueueView {
  private final NodeQueue queue;
  private final OpenPrompts open;
  private final DeviceWork work;
  private final Clock clock;
  private @Nullable Projection projection;
  private @Nullable List<GpuSnapshot> shown;

  QueueView(NodeQueue queue, OpenPrompts open, DeviceWork work, Clock clock) {
    this.queue = queue;
    this.open = open;
    this.work = work;
    this.clock = clock;
  }

  /** The queue or a device has changed. */
  void changed() {
    projection = null;
    shown = null;
  }

  /** A prompt has run; its end is being stored. */
  void ending(int gpuId, PromptJob job) {
    work.endings.put(job.promptId(), new DeviceWork.Ending(gpuId, job));
    shown = null;
  }

  /** A prompt's end is stored, and the history has it. */
  void ended(String promptId) {
    if (work.endings.remove(promptId) != null) {
      shown = null;
    }
  }

  /** When what waits will run where, as things look now. */
  Projection projection() {
    Projection known = projection;
    if (known == null) {
      known = queue.project(clock.millis());
      projection = known;
    }
    return known;
  }

  /** What all devices do, in the order of their numbers. */
  List<GpuSnapshot> snapshots() {
    List<GpuSnapshot> known = shown;
    if (known == null) {
      known = look();
      shown = known;
    }
    return known;
  }

  private List<GpuSnapshot> look() {
    Map<Integer, List<PromptJob>> pending = new HashMap<>();
    Map<Integer, List<Projection.Planned>> planned = new HashMap<>();
    Map<Integer, PromptJob> shownRunning = runningOnce();
    Set<String> seen = new HashSet<>();
    shownRunning.values().forEach(job -> seen.add(job.promptId()));
    seen.addAll(work.endings.keySet());
    List<DeviceWork.Ending> ended = new ArrayList<>(work.endings.values());
    for (DeviceWork.Ending one : work.leaving.values()) {
      PromptJob whole = whole(one.job());
      if (seen.add(whole.promptId())) {
        ended.add(new DeviceWork.Ending(one.gpuId(), whole));
      }
    }
    for (Projection.Planned one : projection().planned()) {
      OpenPrompts.Open opened = open.find(SplitRun.promptId(one.promptId()));
      boolean part = SplitRun.isPart(one.promptId());
      if (opened != null && (!part || seen.add(opened.job().promptId()))) {
        pending.computeIfAbsent(one.gpuId(), id -> new ArrayList<>()).add(opened.job());
        planned
            .computeIfAbsent(one.gpuId(), id -> new ArrayList<>())
            .add(part ? one.of(opened.job().promptId()) : one);
      }
    }
    List<GpuSnapshot> all = new ArrayList<>();
    for (NodeQueue.GpuState state : queue.states()) {
      int id = state.gpuId();
      all.add(
          new GpuSnapshot(
              null,
              id,
              work.names.getOrDefault(id, ""),
              Optional.ofNullable(shownRunning.get(id)),
              ended.stream()
                  .filter(ending -> ending.gpuId() == id)
                  .map(DeviceWork.Ending::job)
                  .toList(),
              pending.getOrDefault(id, List.of()),
              planned.getOrDefault(id, List.of()),
              work.figures.getOrDefault(id, GpuFigures.NONE),
              state.paused(),
              state.unhealthy()));
    }
    return List.copyOf(all);
  }

  /** A split prompt runs on several devices, and is shown on the first of them. */
  private Map<Integer, PromptJob> runningOnce() {
    Map<Integer, PromptJob> once = new TreeMap<>();
    Set<String> seen = new HashSet<>();
    for (Map.Entry<Integer, PromptJob> one : new TreeMap<>(work.running).entrySet()) {
      PromptJob job = whole(one.getValue());
      if (seen.add(job.promptId())) {
        once.put(one.getKey(), job);
      }
    }
    return once;
  }

  /** The prompt that a job is a part of, or is. */
  private PromptJob whole(PromptJob job) {
    OpenPrompts.Open opened = open.find(SplitRun.promptId(job.promptId()));
    return opened == null || opened.split == null ? job : opened.job();
  }

  /** What a prompt would meet here. */
  List<GpuOutlook> outlook() {
    Map<Integer, Double> free = queue.freeInSeconds(clock.millis());
    Map<Integer, DeviceNow> now = new HashMap<>();
    queue.devices().forEach(device -> now.put(device.gpuId(), device));
    List<GpuOutlook> all = new ArrayList<>();
    for (NodeQueue.GpuState state : queue.states()) {
      int id = state.gpuId();
      DeviceNow device = Required.in(now, id);
      Map<String, Double> perUnit = queue.perUnit(id);
      all.add(
          new GpuOutlook(
              id,
              work.names.getOrDefault(id, ""),
              state.unhealthy() != null
                  ? GpuOutlook.UNHEALTHY
                  : state.paused()
                      ? GpuOutlook.PAUSED
                      : state.running() != null ? GpuOutlook.RUNNING : GpuOutlook.IDLE,
              state.running(),
              open.pinnedTo(id),
              device.resident(),
              device.freeBytes(),
              device.totalBytes(),
              free.getOrDefault(id, 0.0),
              perUnit,
              perUnit.values().stream().mapToDouble(Double::doubleValue).average().orElse(0),
              queue.loadSeconds(id)));
    }
    return all;
  }

  /** How long a prompt that came now would wait, in seconds. */
  double expectedWaitSeconds(@Nullable Integer gpuId) {
    Map<Integer, Double> free = projection().freeInSeconds();
    return gpuId != null
        ? free.getOrDefault(gpuId, 0.0)
        : free.values().stream().mapToDouble(Double::doubleValue).min().orElse(0);
  }

  /** How long until a prompt ends, on this device or on any, in seconds. */
  double secondsToNextEnd(@Nullable Integer gpuId) {
    return queue.secondsToNextEnd(gpuId, clock.millis());
  }

  /** What is on the devices, in the order of their numbers. */
  List<DeviceNow> devices() {
    return queue.devices();
  }
}
