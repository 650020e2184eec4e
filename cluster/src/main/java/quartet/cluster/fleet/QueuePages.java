package quartet.cluster.fleet;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuFigures;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.queue.Projection;

/** What runs and waits on a server, as messages of bounded size, and back. Pure. */
final class QueuePages {
  private static final int MAX_BYTES = 400_000;

  private QueuePages() {}

  /** A page: prompts from one place in the list on, as many as fit, at least one. */
  static FleetMessage.Queues page(List<GpuSnapshot> gpus, int from) {
    List<FleetMessage.Queues.Gpu> devices = new ArrayList<>();
    List<FleetMessage.Queues.Pending> pending = new ArrayList<>();
    int bytes = 0;
    int at = 0;
    for (GpuSnapshot gpu : gpus) {
      devices.add(
          new FleetMessage.Queues.Gpu(
              gpu.gpuId(),
              gpu.device(),
              gpu.running().map(EventCodec::job).orElse(null),
              gpu.ending().stream().map(EventCodec::job).toList(),
              gpu.paused(),
              gpu.unhealthy()));
      for (int i = 0; i < gpu.pending().size(); i++, at++) {
        if (at >= from && (bytes < MAX_BYTES || pending.isEmpty())) {
          byte[] entry = EventCodec.job(gpu.pending().get(i));
          Projection.Planned planned = gpu.planned().get(i);
          bytes += entry.length;
          pending.add(
              new FleetMessage.Queues.Pending(
                  gpu.gpuId(), entry, planned.position(), planned.startMillis(), planned.reason()));
        }
      }
    }
    return new FleetMessage.Queues(devices, pending, at);
  }

  /** All pages of a server put together. */
  static List<GpuSnapshot> snapshots(String node, List<FleetMessage.Queues> pages) {
    Map<Integer, List<PromptJob>> pending = new HashMap<>();
    Map<Integer, List<Projection.Planned>> planned = new HashMap<>();
    for (FleetMessage.Queues page : pages) {
      for (FleetMessage.Queues.Pending one : page.pending()) {
        EventCodec.job(one.entry())
            .ifPresent(
                job -> {
                  pending.computeIfAbsent(one.gpu(), id -> new ArrayList<>()).add(job);
                  planned
                      .computeIfAbsent(one.gpu(), id -> new ArrayList<>())
                      .add(planned(one, job));
                });
      }
    }
    return pages.getFirst().gpus().stream()
        .map(
            gpu ->
                new GpuSnapshot(
                    node,
                    gpu.index(),
                    gpu.device(),
                    job(gpu.running()),
                    gpu.ending().stream().flatMap(bytes -> job(bytes).stream()).toList(),
                    pending.getOrDefault(gpu.index(), List.of()),
                    planned.getOrDefault(gpu.index(), List.of()),
                    GpuFigures.NONE,
                    gpu.paused(),
                    gpu.unhealthy()))
        .toList();
  }

  private static Projection.Planned planned(FleetMessage.Queues.Pending one, PromptJob job) {
    return new Projection.Planned(
        job.promptId(), one.position(), one.gpu(), one.startMillis(), false, null, one.reason());
  }

  private static Optional<PromptJob> job(byte @Nullable [] bytes) {
    return Stream.ofNullable(bytes).flatMap(some -> EventCodec.job(some).stream()).findFirst();
  }

  /** How many prompts the pages have so far. */
  static int size(List<FleetMessage.Queues> pages) {
    return pages.stream().mapToInt(page -> page.pending().size()).sum();
  }
}
