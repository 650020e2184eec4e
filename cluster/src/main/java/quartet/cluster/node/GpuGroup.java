package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuActor;
import quartet.errors.Required;

/** The devices' actors by number, and questions to all of them. */
final class GpuGroup {
  private static final Duration WARM_UP_PATIENCE = Duration.ofMinutes(5);

  private final ActorSystem<?> system;
  private final Map<Integer, ActorRef<GpuActor.Command>> gpus = new TreeMap<>();

  GpuGroup(ActorSystem<?> system) {
    this.system = system;
  }

  void add(int gpuId, ActorRef<GpuActor.Command> gpu) {
    gpus.put(gpuId, gpu);
  }

  boolean has(int gpuId) {
    return gpus.containsKey(gpuId);
  }

  ActorRef<GpuActor.Command> get(int gpuId) {
    return Required.in(gpus, gpuId);
  }

  List<Integer> ids() {
    return List.copyOf(gpus.keySet());
  }

  /** One device, or all for null. */
  List<Integer> chosen(@Nullable Integer gpuId) {
    return gpuId == null ? ids() : has(gpuId) ? List.of(gpuId) : List.of();
  }

  void tellAll(GpuActor.Command message) {
    gpus.values().forEach(gpu -> gpu.tell(message));
  }

  /** Warms one after the other; what failed and why. */
  CompletableFuture<List<String>> warmUp() {
    CompletableFuture<List<String>> chain = CompletableFuture.completedFuture(new ArrayList<>());
    for (ActorRef<GpuActor.Command> gpu : gpus.values()) {
      chain = chain.thenCompose(before -> warmUp(gpu, before));
    }
    return chain;
  }

  private CompletableFuture<List<String>> warmUp(
      ActorRef<GpuActor.Command> gpu, List<String> failures) {
    return AskPattern.<GpuActor.Command, GpuActor.WarmedUp>ask(
            gpu, GpuActor.WarmUp::new, WARM_UP_PATIENCE, system.scheduler())
        .thenApply(
            warm -> {
              if (warm.failure() != null) {
                failures.add("GPU %d: %s".formatted(warm.gpuId(), warm.failure()));
              }
              return failures;
            })
        .toCompletableFuture();
  }
}
