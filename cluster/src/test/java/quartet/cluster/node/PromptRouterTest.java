package quartet.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.gpu.GpuSupervision;
import quartet.cluster.gpu.PreviewSink;
import quartet.cluster.gpu.Trouble;
import quartet.cluster.job.InMemoryPromptStore;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.MemoryJournal;
import quartet.cluster.telemetry.Recorder;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.graph.ExecutionPlan;
import quartet.errors.ErrorKind;
import quartet.tensor.Device;

/** The front actor with real device actors on fake devices. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PromptRouterTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long GIGABYTE = 1_000_000_000L;

  private final ActorTestKit kit = ActorTestKit.create();
  private final AtomicInteger exits = new AtomicInteger();

  @AfterAll
  void stop() {
    kit.shutdownTestKit();
  }

  /**
   * A router.
   *
   * @param work by the device's number and the prompt's id
   */
  private ActorRef<RouterProtocol.Command> router(
      List<Long> bytes, BiFunction<Integer, String, ExecutionOutcome> work) {
    return router(bytes, work, kit.spawn(MemoryJournal.create()));
  }

  private ActorRef<RouterProtocol.Command> router(
      List<Long> bytes,
      BiFunction<Integer, String, ExecutionOutcome> work,
      ActorRef<JournalProtocol.Command> journal) {
    return router(bytes, work, id -> {}, journal);
  }

  private ActorRef<RouterProtocol.Command> router(
      List<Long> bytes,
      BiFunction<Integer, String, ExecutionOutcome> work,
      Consumer<String> save,
      ActorRef<JournalProtocol.Command> journal) {
    List<GpuSettings> devices = new ArrayList<>();
    for (int i = 0; i < bytes.size(); i++) {
      int gpu = i;
      devices.add(
          new GpuSettings(
              gpu,
              Device.cpu(gpu),
              () -> new FakeWorker(bytes.get(gpu), id -> work.apply(gpu, id), save),
              job ->
                  Optional.of(
                      new ExecutionPlan(
                          JsonNodeFactory.instance.objectNode(), Map.of(), List.of())),
              PreviewSink.NONE,
              new GpuSupervision(Duration.ofMillis(10), Duration.ofMillis(100)),
              GpuSettings.STUCK_AFTER));
    }
    return kit.spawn(
        PromptRouter.create(
            devices,
            new InMemoryPromptStore(100),
            journal,
            new NodeSettings(
                10, Retention.BY_COUNT, name -> 0, exits::incrementAndGet, Recorder.NONE),
            Clock.systemUTC()));
  }

  private void warm(ActorRef<RouterProtocol.Command> router) {
    TestProbe<List<String>> warm = kit.createTestProbe();
    router.tell(new RouterProtocol.WarmUpAll(warm.ref()));
    assertThat(warm.receiveMessage(PATIENCE)).isEmpty();
  }

  private void submit(ActorRef<RouterProtocol.Command> router, String id, @Nullable Integer gpu) {
    TestProbe<RouterProtocol.SubmitReply> replies = kit.createTestProbe();
    ObjectNode none = JsonNodeFactory.instance.objectNode();
    router.tell(
        new RouterProtocol.Submit(
            id, none, none, List.of(), Set.of(), null, gpu, null, false, replies.ref()));
    assertThat(replies.receiveMessage(PATIENCE)).isInstanceOf(RouterProtocol.Accepted.class);
  }

  private TestProbe<PromptEvent> watch(ActorRef<RouterProtocol.Command> router) {
    TestProbe<PromptEvent> events = kit.createTestProbe();
    router.tell(new RouterProtocol.Watch(events.ref()));
    return events;
  }

  private static PromptEvent.Ended end(TestProbe<PromptEvent> events) {
    while (true) {
      if (events.receiveMessage(PATIENCE) instanceof PromptEvent.Ended ended) {
        return ended;
      }
    }
  }

  @Test
  void aPromptWhoseEndIsBeingStoredIsStillUnderWay() {
    ActorRef<JournalProtocol.Command> real = kit.spawn(MemoryJournal.create());
    TestProbe<JournalProtocol.Note> ends = kit.createTestProbe();
    // Passes everything on but the ends, which wait until the test passes them on.
    ActorRef<JournalProtocol.Command> slow =
        kit.spawn(
            Behaviors.receiveMessage(
                message -> {
                  if (message instanceof JournalProtocol.Note note && note.replyTo() != null) {
                    ends.ref().tell(note);
                  } else {
                    real.tell(message);
                  }
                  return Behaviors.same();
                }));
    ActorRef<RouterProtocol.Command> router =
        router(List.of(GIGABYTE), (gpu, id) -> FakeWorker.success(), slow);
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "a", null);
    JournalProtocol.Note end = ends.receiveMessage(PATIENCE);
    assertThat(underWay(router)).containsExactly("a");
    real.tell(end);
    end(events);
    assertThat(underWay(router)).isEmpty();
  }

  private List<String> underWay(ActorRef<RouterProtocol.Command> router) {
    TestProbe<List<GpuSnapshot>> queues = kit.createTestProbe();
    router.tell(new RouterProtocol.Queues(queues.ref()));
    return queues.receiveMessage(PATIENCE).stream()
        .flatMap(gpu -> gpu.underWay().stream())
        .map(PromptJob::promptId)
        .toList();
  }

  @Test
  void theNextPromptRunsWhileTheFirstIsSavedAndIsHeardOfAfterIt() {
    CountDownLatch disk = new CountDownLatch(1);
    CountDownLatch computed = new CountDownLatch(2);
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(GIGABYTE),
            (gpu, id) -> {
              computed.countDown();
              return FakeWorker.success();
            },
            id -> {
              if (id.equals("first")) {
                await(disk);
              }
            },
            kit.spawn(MemoryJournal.create()));
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "first", null);
    submit(router, "second", null);
    await(computed);
    events.awaitAssert(
        PATIENCE, () -> assertThat(underWay(router)).containsExactly("first", "second"));
    disk.countDown();
    List<String> told = new ArrayList<>();
    while (told.size() < 6) {
      if (events.receiveMessage(PATIENCE) instanceof PromptEvent.OfPrompt event) {
        told.add(event.job().promptId() + " " + event.getClass().getSimpleName());
      }
    }
    assertThat(told)
        .containsExactly(
            "first Started",
            "first Ended",
            "first Closed",
            "second Started",
            "second Ended",
            "second Closed");
    assertThat(underWay(router)).isEmpty();
  }

  @Test
  void aDeviceThatFailsTakesNothingFromAPromptThatIsBeingSaved() {
    CountDownLatch disk = new CountDownLatch(1);
    AtomicInteger failures = new AtomicInteger();
    List<String> saved = new java.util.concurrent.CopyOnWriteArrayList<>();
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(GIGABYTE),
            (gpu, id) -> {
              if (id.equals("second") && failures.getAndIncrement() == 0) {
                throw Trouble.of(ErrorKind.DEVICE);
              }
              return FakeWorker.success();
            },
            id -> {
              if (id.equals("first")) {
                await(disk);
              }
              saved.add(id);
            },
            kit.spawn(MemoryJournal.create()));
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "first", null);
    submit(router, "second", null);
    events.awaitAssert(PATIENCE, () -> assertThat(failures.get()).isEqualTo(2));
    disk.countDown();
    List<String> ends = List.of(end(events).job().promptId(), end(events).job().promptId());
    assertThat(ends).containsExactly("first", "second");
    events.awaitAssert(PATIENCE, () -> assertThat(underWay(router)).isEqualTo(List.of()));
    assertThat(saved).containsExactlyInAnyOrder("first", "second");
    assertThat(failures.get()).as("the second one ran twice, the first one once").isEqualTo(2);
  }

  @Test
  void whatDoesNotFitOneDeviceGoesToALargerOneAndEndsOnce() {
    CountDownLatch gate = new CountDownLatch(1);
    List<String> runs = new java.util.concurrent.CopyOnWriteArrayList<>();
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(24 * GIGABYTE, 80 * GIGABYTE),
            (gpu, id) -> {
              runs.add(id + "@" + gpu);
              if (id.equals("free")) {
                await(gate);
              }
              return gpu == 0 ? FakeWorker.failed(ErrorKind.OUT_OF_MEMORY) : FakeWorker.success();
            });
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "pinned", 0);
    assertThat(end(events).outcome())
        .as("its client named the small one")
        .isInstanceOf(ExecutionOutcome.Failed.class);
    TestProbe<RouterProtocol.ChangeReply> changed = kit.createTestProbe();
    router.tell(new RouterProtocol.Pause(1, true, changed.ref()));
    changed.receiveMessage(PATIENCE);
    submit(router, "free", null);
    events.awaitAssert(PATIENCE, () -> assertThat(runs).contains("free@0"));
    router.tell(new RouterProtocol.Pause(1, false, changed.ref()));
    changed.receiveMessage(PATIENCE);
    gate.countDown();
    PromptEvent.Ended ended = end(events);
    assertThat(ended.job().promptId()).isEqualTo("free");
    assertThat(ended.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(runs).containsExactly("pinned@0", "free@0", "free@1");
  }

  @Test
  void aDeviceThatFailsGivesItsPromptToAnother() {
    AtomicInteger failures = new AtomicInteger();
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(GIGABYTE, GIGABYTE),
            (gpu, id) -> {
              if (failures.getAndIncrement() == 0) {
                throw Trouble.of(ErrorKind.DEVICE);
              }
              return FakeWorker.success();
            });
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "once", null);
    PromptEvent.Ended ended = end(events);
    assertThat(ended.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(failures.get()).isEqualTo(2);
  }

  @Test
  void aPromptThatTakesDevicesDownTwiceIsGivenUpAndOthersGoOn() {
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(GIGABYTE, GIGABYTE),
            (gpu, id) -> {
              if (id.equals("bad")) {
                throw Trouble.of(ErrorKind.DEVICE);
              }
              return FakeWorker.success();
            });
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "bad", null);
    submit(router, "good", null);
    Map<String, ExecutionOutcome> outcomes = new java.util.HashMap<>();
    for (int i = 0; i < 2; i++) {
      PromptEvent.Ended ended = end(events);
      outcomes.put(ended.job().promptId(), ended.outcome());
    }
    assertThat(outcomes.get("good")).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(outcomes.get("bad"))
        .isInstanceOfSatisfying(
            ExecutionOutcome.Failed.class,
            failed -> assertThat(failed.message()).contains("failed twice"));
  }

  @Test
  void aLostDeviceEndsTheProcessAfterTheOthersHaveEnded() {
    CountDownLatch gate = new CountDownLatch(1);
    ActorRef<RouterProtocol.Command> router =
        router(
            List.of(GIGABYTE, GIGABYTE),
            (gpu, id) -> {
              if (id.equals("sticky")) {
                throw Trouble.of(ErrorKind.DEVICE_LOST);
              }
              await(gate);
              return FakeWorker.success();
            });
    warm(router);
    TestProbe<PromptEvent> events = watch(router);
    submit(router, "neighbour", 1);
    submit(router, "sticky", 0);
    submit(router, "later", null);
    TestProbe<RouterProtocol.DrainState> states = kit.createTestProbe();
    int before = exits.get();
    do {
      router.tell(new RouterProtocol.Drain(null, states.ref()));
    } while (states.receiveMessage(PATIENCE).waiting() < 2); // "sticky" is back, "later" waits
    assertThat(exits.get()).as("the neighbour still runs").isEqualTo(before);
    gate.countDown();
    PromptEvent.Ended ended = end(events);
    assertThat(ended.job().promptId()).isEqualTo("neighbour");
    assertThat(ended.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    events.awaitAssert(PATIENCE, () -> assertThat(exits.get()).isEqualTo(before + 1));
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
