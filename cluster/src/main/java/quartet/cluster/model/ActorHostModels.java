package quartet.cluster.model;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import java.nio.file.Path;
import java.time.Duration;
import quartet.engine.device.HostModels;
import quartet.safetensors.SafetensorsFile;

/** The model cache as the engine sees it. The device's thread waits here; no actor does. */
public record ActorHostModels(ActorRef<ModelCacheActor.Command> cache, ActorSystem<?> system)
    implements HostModels {
  /** Opening maps a file and reads its header: seconds on a slow disk, never minutes. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Override
  public SafetensorsFile acquire(Path file) {
    ModelCacheActor.Acquired answer =
        AskPattern.<ModelCacheActor.Command, ModelCacheActor.Acquired>ask(
                cache,
                replyTo -> new ModelCacheActor.Acquire(file, replyTo),
                PATIENCE,
                system.scheduler())
            .toCompletableFuture()
            .join();
    SafetensorsFile mapped = answer.mapped();
    if (mapped != null) {
      return mapped;
    }
    throw answer.failure() == null
        ? new IllegalStateException("the model cache gave no answer for " + file)
        : answer.failure();
  }

  @Override
  public void release(Path file) {
    cache.tell(new ModelCacheActor.Release(file));
  }
}
