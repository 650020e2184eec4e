package quartet.cluster.model;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.safetensors.SafetensorsFile;
import quartet.testkit.Goldens;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ModelCacheActorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final ActorTestKit kit = ActorTestKit.create();

  @AfterAll
  void stop() {
    kit.shutdownTestKit();
  }

  @Test
  void manyWhoAskAtOnceGetTheSameFileOpenedOnce() {
    ActorRef<ModelCacheActor.Command> cache = kit.spawn(ModelCacheActor.create(1 << 30));
    Path file = Goldens.path("tiny_sd15.safetensors");
    TestProbe<ModelCacheActor.Acquired> answers = kit.createTestProbe();
    for (int i = 0; i < 16; i++) {
      cache.tell(new ModelCacheActor.Acquire(file, answers.ref()));
    }
    Set<SafetensorsFile> files = new HashSet<>();
    for (int i = 0; i < 16; i++) {
      files.add(answers.receiveMessage(PATIENCE).mapped());
    }
    assertThat(files).hasSize(1).doesNotContainNull();
    ModelCacheActor.Holdings holdings = holdings(cache);
    assertThat(holdings.opened()).isEqualTo(1);
    assertThat(holdings.holders()).isEqualTo(Map.of(file, 16));
    for (int i = 0; i < 16; i++) {
      cache.tell(new ModelCacheActor.Release(file));
    }
    cache.tell(new ModelCacheActor.DropUnused());
    assertThat(holdings(cache).holders()).isEmpty();
  }

  @Test
  void aBrokenFileFailsAllWhoAskedAndTheNextOneTriesAgain(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("broken.safetensors"), "nonsense");
    ActorRef<ModelCacheActor.Command> cache = kit.spawn(ModelCacheActor.create(1 << 30));
    TestProbe<ModelCacheActor.Acquired> answers = kit.createTestProbe();
    cache.tell(new ModelCacheActor.Acquire(file, answers.ref()));
    cache.tell(new ModelCacheActor.Acquire(file, answers.ref()));
    for (int i = 0; i < 2; i++) {
      assertThat(answers.receiveMessage(PATIENCE).failure())
          .isNotNull()
          .hasMessageContaining("broken.safetensors");
    }
    Files.copy(
        Goldens.path("tiny_sd15.safetensors"),
        file,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    cache.tell(new ModelCacheActor.Acquire(file, answers.ref()));
    assertThat(answers.receiveMessage(PATIENCE).mapped()).isNotNull();
  }

  @Test
  void aFileThatADeviceHoldsStaysReadableWhenTheCacheStops() {
    ActorRef<ModelCacheActor.Command> cache = kit.spawn(ModelCacheActor.create(1 << 30));
    TestProbe<ModelCacheActor.Acquired> answers = kit.createTestProbe();
    cache.tell(new ModelCacheActor.Acquire(Goldens.path("tiny_sd15.safetensors"), answers.ref()));
    SafetensorsFile held = Objects.requireNonNull(answers.receiveMessage(PATIENCE).mapped());
    kit.stop(cache, PATIENCE);
    String name = held.names().iterator().next();
    assertThat(held.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE)).isNotEmpty();
    held.close();
  }

  private ModelCacheActor.Holdings holdings(ActorRef<ModelCacheActor.Command> cache) {
    TestProbe<ModelCacheActor.Holdings> probe = kit.createTestProbe();
    cache.tell(new ModelCacheActor.Snapshot(probe.ref()));
    return probe.receiveMessage(PATIENCE);
  }
}
