package quartet.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.device.DeviceWorker;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.errors.Required;
import quartet.tensor.Device;

final class SimWorkerTest {
  private static final String GUIDE =
      """
      {'3':{'inputs':{'seed':1,'steps':5,'cfg':8.0,'sampler_name':'euler',
            'scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['6',0],
            'negative':['7',0],'latent_image':['5',0]},'class_type':'KSampler'},
       '4':{'inputs':{'ckpt_name':'a.safetensors'},'class_type':'CheckpointLoaderSimple'},
       '5':{'inputs':{'width':512,'height':512,'batch_size':2},'class_type':'EmptyLatentImage'},
       '6':{'inputs':{'text':'x','clip':['4',1]},'class_type':'CLIPTextEncode'},
       '7':{'inputs':{'text':'y','clip':['4',1]},'class_type':'CLIPTextEncode'},
       '8':{'inputs':{'samples':['3',0],'vae':['4',2]},'class_type':'VAEDecode'},
       '9':{'inputs':{'filename_prefix':'S','images':['8',0]},'class_type':'SaveImage'}}
      """;

  @TempDir Path base;
  private Folders folders;
  private final List<ExecutionEvent> events = new ArrayList<>();

  @BeforeEach
  void files() throws IOException {
    folders = Folders.below(base);
    folders.create();
    Path checkpoints = Files.createDirectories(folders.models().resolve("checkpoints"));
    for (String name : List.of("a", "b", "c")) {
      Files.write(checkpoints.resolve(name + ".safetensors"), new byte[1000]);
    }
  }

  private SimWorker worker(String costs, int maxResident) {
    return new SimWorker(
        0, new Device(Device.Kind.SIM, 0), SimCosts.parse(costs), folders, true, maxResident);
  }

  private DeviceWorker.Result run(SimWorker worker, String prompt, CancelToken cancel) {
    events.clear();
    GraphValidator validator =
        new GraphValidator(FakeNode.registry(new CoreNodes().nodes()), folders);
    if (validator.validate(Json.object(prompt), null) instanceof Validation.Ready ready) {
      return worker.run(
          new DeviceWorker.Job("p", ready.plan(), JsonNodeFactory.instance.objectNode(), cancel),
          events::add);
    }
    throw new AssertionError("the prompt is not valid");
  }

  @Test
  void aPromptTakesItsTimeAndItsPictureSaysWhatItIs() throws IOException {
    SimWorker worker = worker("step=20ms,image=10ms,load=50ms,decode=0ms,text=0ms", 1);
    long start = System.nanoTime();
    ExecutionOutcome outcome = run(worker, GUIDE, CancelToken.NEVER).outcome();
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(took).isGreaterThanOrEqualTo(Duration.ofMillis(50 + 5 * (20 + 2 * 10)));
    assertThat(events)
        .filteredOn(ExecutionEvent.Progress.class::isInstance)
        .extracting(event -> ((ExecutionEvent.Progress) event).value())
        .containsExactly(1, 2, 3, 4, 5);
    var images = Required.in(outcome.shown(), "9").path("images");
    assertThat(images).as("one file for each image of the batch").hasSize(2);
    byte[] png = Files.readAllBytes(folders.output().resolve(images.at("/0/filename").asText()));
    assertThat(new String(png, StandardCharsets.ISO_8859_1)).contains("{\"simulated\":true}");
    assertThat(worker.description()).contains("simulated");
    assertThat(worker.resident())
        .extracting(Path::getFileName)
        .containsExactly(Path.of("a.safetensors"));
  }

  @Test
  void aModelStaysUntilAnotherNeedsItsPlace() {
    SimWorker worker = worker("step=0ms,image=0ms,load=30ms,decode=0ms,text=0ms", 2);
    for (String name : List.of("a", "b", "a", "c")) {
      run(worker, GUIDE.replace("a.safetensors", name + ".safetensors"), CancelToken.NEVER);
    }
    assertThat(worker.resident())
        .extracting(file -> file.getFileName().toString())
        .containsExactly("a.safetensors", "c.safetensors");
    assertThat(worker.memory().parameterBytes()).isEqualTo(2000);
    worker.clearCaches();
    assertThat(worker.memory().freeBytes()).isEqualTo(worker.memory().totalBytes());
  }

  @Test
  void whatDoesNotFitIsOneClearErrorAfterOneRetry() {
    SimWorker worker = worker("step=0ms,image=0ms,load=0ms,memory-gb=1,image-mb=600", 1);
    DeviceWorker.Result result = run(worker, GUIDE, CancelToken.NEVER);
    assertThat(result.outOfMemory()).isEqualTo(1);
    assertThat(result.outcome())
        .isInstanceOfSatisfying(
            ExecutionOutcome.Failed.class,
            failed -> {
              assertThat(failed.kind()).isEqualTo(ErrorKind.OUT_OF_MEMORY);
              assertThat(failed.message()).contains("1200 MB");
            });
    String small = GUIDE.replace("'batch_size':2", "'batch_size':1");
    assertThat(run(worker, small, CancelToken.NEVER).outcome())
        .isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void aCancelledPromptEndsInTheMiddleOfAStep() {
    SimWorker worker = worker("step=1000s,load=0ms,text=0ms", 1);
    long end = System.nanoTime() + Duration.ofMillis(100).toNanos();
    assertThat(run(worker, GUIDE, () -> System.nanoTime() > end).outcome())
        .isInstanceOf(ExecutionOutcome.Interrupted.class);
  }

  @Test
  void aCostModelThatIsNotUnderstoodIsNamed() {
    assertThat(SimCosts.parse("speed=1:0.5").speed(7)).isEqualTo(0.5);
    for (String wrong : List.of("steps=1ms", "step=1", "step", "speed=0", "load-gb=x")) {
      assertThatThrownBy(() -> SimCosts.parse(wrong)).as(wrong).isInstanceOf(EngineException.class);
    }
    assertThatThrownBy(() -> SimCosts.parse("step=5")).hasMessageContaining("40ms");
  }
}
