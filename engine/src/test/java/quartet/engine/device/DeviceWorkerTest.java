package quartet.engine.device;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.Input;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;
import quartet.errors.Required;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;

/** The out-of-memory contract, with nodes that run out of memory as often as they are told. */
class DeviceWorkerTest {
  private static final String PROMPT =
      """
      {'1':{'class_type':'Load','inputs':{}},
       '2':{'class_type':'Keep','inputs':{'in':['1',0]}},
       '3':{'class_type':'Hungry','inputs':{'in':['1',0]}},
       '4':{'class_type':'Keep','inputs':{'in':['3',0]}}}
      """;

  private enum Memory implements ErrorCode {
    VRAM_EXHAUSTED;

    @Override
    public ErrorKind kind() {
      return ErrorKind.OUT_OF_MEMORY;
    }
  }

  @TempDir Path base;
  private final Path checkpoint = Goldens.path("tiny_sd15.safetensors");
  private final LocalHostModels hostModels = new LocalHostModels();
  private final List<String> ran = new ArrayList<>();
  private final List<List<Path>> residentWhenHungry = new ArrayList<>();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(DeviceWorker.class);
  private final DeviceWorker worker =
      new DeviceWorker(
          3,
          new ReferenceBackend(Device.cpu(0)),
          hostModels,
          Folders.below(Path.of("target")),
          true,
          1);
  private int failures;

  @BeforeEach
  void listen() {
    log.start();
    logger.addAppender(log);
  }

  @AfterEach
  void close() {
    logger.detachAppender(log);
    worker.close();
  }

  private DeviceWorker.Job job(String promptId, CancelToken cancel) {
    Input.SocketInput<Long> in = Input.socket("in", PortType.INT);
    GraphValidator validator =
        new GraphValidator(
            FakeNode.registry(
                List.of(
                    FakeNode.of(
                        NodeSchema.named("Load").returns(PortType.INT),
                        (inputs, context) -> {
                          ran.add("Load");
                          context.models().requireCheckpoint(checkpoint);
                          return NodeResult.of(1L);
                        }),
                    FakeNode.of(
                        NodeSchema.named("Hungry").required(in).returns(PortType.INT),
                        (inputs, context) -> {
                          ran.add("Hungry");
                          residentWhenHungry.add(worker.resident());
                          context.progress(
                              1,
                              2,
                              method -> {
                                throw new IllegalStateException("nobody looks");
                              });
                          if (failures-- > 0) {
                            throw new EngineException(Memory.VRAM_EXHAUSTED, "no room");
                          }
                          return NodeResult.of(2L);
                        }),
                    FakeNode.of(
                        NodeSchema.named("Keep").required(in).outputNode(),
                        (inputs, context) -> {
                          ran.add("Keep");
                          return NodeResult.shown(
                              JsonNodeFactory.instance.objectNode().put("kept", inputs.get(in)));
                        }))),
            FakeCatalog.small());
    Validation.Ready ready = (Validation.Ready) validator.validate(Json.object(PROMPT), null);
    return new DeviceWorker.Job(
        promptId, ready.plan(), JsonNodeFactory.instance.objectNode(), cancel);
  }

  private DeviceWorker.Result run(String promptId) {
    ran.clear();
    log.list.clear();
    return worker.run(job(promptId, CancelToken.NEVER), event -> {});
  }

  private List<String> logged() {
    return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void a_prompt_that_fits_says_nothing_about_memory() {
    DeviceWorker.Result result = run("p1");
    assertThat(result.outOfMemory()).isZero();
    assertThat(result.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(logged()).isEmpty();
    assertThat(worker.resident()).containsExactly(checkpoint);
  }

  @Test
  void out_of_memory_once_clears_the_caches_and_succeeds_on_the_second_try() {
    failures = 1;
    DeviceWorker.Result result = run("abc-123");
    assertThat(result.outOfMemory()).isEqualTo(1);
    assertThat(result.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(result.outcome().shown()).containsOnlyKeys("2", "4");
    assertThat(logged())
        .containsExactly(
            "💥 [GPU 3] OOM for prompt abc-123, clearing cache",
            "✅ [GPU 3] Cache cleared, retrying...");
    assertThat(log.list.getFirst().getLevel()).isEqualTo(Level.WARN);
    assertThat(ran)
        .as("values are made again, but what was kept already is not kept twice")
        .containsExactly("Load", "Keep", "Hungry", "Load", "Hungry", "Keep");
  }

  @Test
  void models_are_dropped_before_the_second_try() {
    failures = 1;
    AtomicBoolean loadedAgain = new AtomicBoolean();
    worker.run(
        job("p", CancelToken.NEVER),
        event -> {
          if (event instanceof ExecutionEvent.Cached && !ran.isEmpty()) {
            loadedAgain.set(worker.resident().isEmpty());
          }
        });
    assertThat(loadedAgain).as("nothing was resident when the second try began").isTrue();
    assertThat(residentWhenHungry).containsExactly(List.of(checkpoint), List.of(checkpoint));
  }

  @Test
  void out_of_memory_twice_is_one_clear_error_and_the_next_prompt_is_right() {
    failures = 2;
    DeviceWorker.Result result = run("p1");
    ExecutionOutcome.Failed failed = (ExecutionOutcome.Failed) result.outcome();
    assertThat(failed.kind()).isEqualTo(ErrorKind.OUT_OF_MEMORY);
    assertThat(failed.nodeId()).isEqualTo("3");
    assertThat(failed.message()).isEqualTo("no room");
    assertThat(ran.stream().filter("Hungry"::equals)).as("tried twice, not more").hasSize(2);
    DeviceWorker.Result next = run("p2");
    assertThat(next.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(Required.in(next.outcome().shown(), "4").path("kept").asLong()).isEqualTo(2);
    assertThat(logged()).isEmpty();
  }

  @Test
  void progress_is_where_a_running_node_is_interrupted() {
    AtomicBoolean stop = new AtomicBoolean();
    List<ExecutionEvent> events = new ArrayList<>();
    DeviceWorker.Result result =
        worker.run(
            job("p", stop::get),
            event -> {
              events.add(event);
              if (event.equals(new ExecutionEvent.NodeStarted("3"))) {
                stop.set(true);
              }
            });
    ExecutionOutcome.Interrupted stopped = (ExecutionOutcome.Interrupted) result.outcome();
    assertThat(stopped.nodeId()).isEqualTo("3");
    assertThat(events).noneMatch(ExecutionEvent.Progress.class::isInstance);
  }

  @Test
  void progress_reaches_the_client_with_its_node() {
    List<ExecutionEvent> events = new ArrayList<>();
    worker.run(job("p", CancelToken.NEVER), events::add);
    assertThat(events)
        .filteredOn(ExecutionEvent.Progress.class::isInstance)
        .singleElement()
        .satisfies(
            event -> {
              ExecutionEvent.Progress progress = (ExecutionEvent.Progress) event;
              assertThat(progress.nodeId()).isEqualTo("3");
              assertThat(progress.value()).isEqualTo(1);
              assertThat(progress.max()).isEqualTo(2);
            });
  }

  @Test
  void cleared_caches_hold_no_models_and_no_outputs() {
    run("p1");
    worker.clearOutputs();
    assertThat(worker.resident()).hasSize(1);
    worker.clearCaches();
    assertThat(worker.resident()).isEmpty();
    run("p2");
    assertThat(ran).containsExactly("Load", "Keep", "Hungry", "Keep");
  }

  @Test
  void warming_up_leaves_nothing_behind() {
    worker.warmUp();
    assertThat(worker.memory().scopeBytes()).isZero();
    assertThat(worker.memory().parameterBytes()).isZero();
  }
}
