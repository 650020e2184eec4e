package quartet.api.telemetry;

import akka.actor.ActorRefWithCell;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Adapter;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import quartet.cluster.fleet.NodeState;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.model.ModelCacheActor;

/** Figures of states: what is so now, asked for every few seconds. */
final class StateSampler {
  private final Meters meters;
  private final ProcessFigures process;
  private final Map<String, ActorRef<?>> actors = new ConcurrentHashMap<>();
  private final Map<Integer, String> devices = new HashMap<>();
  private final Map<Labels, Long> faults = new HashMap<>();
  private long hostLoads;

  StateSampler(Meters meters, ProcessFigures process) {
    this.meters = meters;
    this.process = process;
  }

  /** Its mailbox is watched from now on. */
  void watch(String name, ActorRef<?> actor) {
    actors.put(name, actor);
  }

  void process(IntSupplier clients) {
    process.tell(meters);
    meters.now(Figure.CLIENTS, Labels.NONE, clients.getAsInt());
    actors.forEach(
        (name, actor) ->
            meters.now(Figure.MAILBOX, Labels.NONE.and("actor", name), waiting(actor)));
  }

  /** Typed actors show their mailbox to nobody; the classic reference below them does. */
  private static int waiting(ActorRef<?> actor) {
    return Adapter.toClassic(actor) instanceof ActorRefWithCell local
        ? local.underlying().numberOfMessages()
        : 0;
  }

  synchronized void queues(List<GpuSnapshot> gpus) {
    for (GpuSnapshot gpu : gpus) {
      Labels labels = Labels.gpu(gpu.gpuId());
      meters.now(Figure.QUEUE_DEPTH, labels, gpu.pending().size());
      meters.now(Figure.RUNNING, labels, gpu.running().isPresent() ? 1 : 0);
      meters.now(Figure.GPU_PAUSED, labels, gpu.paused() ? 1 : 0);
      meters.now(Figure.GPU_UP, labels, gpu.unhealthy() == null ? 1 : 0);
      if (!gpu.device().equals(devices.put(gpu.gpuId(), gpu.device()))) {
        meters.now(Figure.GPU_INFO, labels.and("device", gpu.device()), 1);
      }
    }
  }

  /** Sensors that say nothing leave no figure. */
  synchronized void sensors(Map<Integer, DeviceReading> readings) {
    readings.forEach(
        (gpuId, reading) -> {
          Labels labels = Labels.gpu(gpuId).and("gpu_uuid", reading.uuid());
          tell(Figure.GPU_UTILISATION, labels, reading.utilisation());
          tell(Figure.GPU_POWER, labels, reading.watts());
          tell(Figure.GPU_TEMPERATURE, labels, reading.celsius());
          reading
              .faults()
              .forEach(
                  (code, count) -> {
                    Labels fault = labels.and("xid", Integer.toString(code));
                    Long before = faults.put(fault, count);
                    meters.count(Figure.GPU_FAULTS, fault, count - (before == null ? 0 : before));
                  });
        });
  }

  private void tell(Figure figure, Labels labels, @Nullable Double value) {
    if (value != null) {
      meters.now(figure, labels, value);
    }
  }

  /** Every status is told, so that one that nobody has any more goes back to 0. */
  void servers(List<String> statuses) {
    for (String status : NodeState.STATUSES) {
      meters.now(
          Figure.SERVERS,
          Labels.NONE.and("status", status),
          Collections.frequency(statuses, status));
    }
  }

  synchronized void models(ModelCacheActor.Holdings host) {
    meters.now(Figure.HOST_WEIGHTS, Labels.NONE, (double) host.bytes());
    meters.now(Figure.HOST_FILES, Labels.NONE, host.holders().size());
    meters.count(Figure.HOST_LOADS, Labels.NONE, host.opened() - hostLoads);
    hostLoads = host.opened();
  }
}
