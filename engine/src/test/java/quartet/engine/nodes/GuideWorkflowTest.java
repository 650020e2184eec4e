package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.PreviewMethod;
import quartet.engine.run.CancelToken;
import quartet.engine.value.ImageBatch;
import quartet.errors.Required;
import quartet.image.ImageReader;
import quartet.image.Pixels;
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.testkit.Goldens;

/** The operators' workflow from JSON to PNG, with the tiny golden checkpoint on the CPU. */
class GuideWorkflowTest {
  private static final String GUIDE =
      """
      {'3':{'inputs':{'seed':123456,'steps':2,'cfg':8.0,'sampler_name':'euler','scheduler':'normal',
            'denoise':1.0,'model':['4',0],'positive':['6',0],'negative':['7',0],'latent_image':['5',0]},
            'class_type':'KSampler'},
       '4':{'inputs':{'ckpt_name':'tiny.safetensors'},'class_type':'CheckpointLoaderSimple'},
       '5':{'inputs':{'width':64,'height':64,'batch_size':1},'class_type':'EmptyLatentImage'},
       '6':{'inputs':{'text':'beautiful landscape, high quality','clip':['4',1]},
            'class_type':'CLIPTextEncode'},
       '7':{'inputs':{'text':'bad quality, blurry','clip':['4',1]},'class_type':'CLIPTextEncode'},
       '8':{'inputs':{'samples':['3',0],'vae':['4',2]},'class_type':'VAEDecode'},
       '9':{'inputs':{'filename_prefix':'ComfyUI','images':['8',0]},'class_type':'SaveImage'}}
      """;

  @TempDir Path base;
  private final CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
  private final CpuBackend backend = new CpuBackend(host, Device.cpu(0));
  private Folders folders;
  private final List<ExecutionEvent> events = new ArrayList<>();
  private final List<ImageBatch> previews = new ArrayList<>();
  private DeviceWorker worker;

  @BeforeEach
  void server() throws IOException {
    folders = Folders.below(base);
    folders.create();
    Path checkpoints = Files.createDirectories(folders.models().resolve("checkpoints"));
    Files.copy(Goldens.path("tiny_sd15.safetensors"), checkpoints.resolve("tiny.safetensors"));
    worker = new DeviceWorker(0, backend, new LocalHostModels(), folders, true, 1);
  }

  @AfterEach
  void nothing_is_left_on_the_device() {
    assertThat(backend.memory().scopeBytes()).isZero();
    worker.clearCaches();
    assertThat(backend.memory().parameterBytes()).isZero();
    worker.close();
    host.close();
  }

  private ExecutionPlan plan(String prompt) {
    GraphValidator validator =
        new GraphValidator(FakeNode.registry(new CoreNodes().nodes()), folders);
    return switch (validator.validate(Json.object(prompt), null)) {
      case Validation.Ready ready -> ready.plan();
      case Validation.Invalid invalid ->
          throw new AssertionError(invalid.error() + " " + invalid.nodeErrors());
    };
  }

  private ExecutionOutcome run(String prompt) {
    events.clear();
    ObjectNode extra = JsonNodeFactory.instance.objectNode();
    return worker
        .run(
            new DeviceWorker.Job("p", plan(prompt), extra, CancelToken.NEVER),
            event -> {
              events.add(event);
              if (event instanceof ExecutionEvent.Progress progress) {
                previews.add(progress.preview().draw(PreviewMethod.AUTO));
              }
            })
        .outcome();
  }

  private Path picture(ExecutionOutcome outcome) {
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Succeeded.class);
    JsonNode image = Required.in(outcome.shown(), "9").path("images").path(0);
    return folders.output().resolve(image.path("filename").asText());
  }

  @Test
  void the_workflow_makes_a_picture_and_again_the_same_bytes() throws IOException {
    Path first = picture(run(GUIDE));
    Pixels pixels = ImageReader.read(first);
    assertThat(pixels.height()).isEqualTo(64);
    assertThat(pixels.width()).isEqualTo(64);
    boolean oneColour = true;
    for (byte value : pixels.bytes()) {
      oneColour &= value == pixels.bytes()[0];
    }
    assertThat(oneColour).isFalse();
    assertThat(events)
        .filteredOn(ExecutionEvent.Progress.class::isInstance)
        .extracting(event -> ((ExecutionEvent.Progress) event).value())
        .containsExactly(1, 2);
    assertThat(previews).hasSize(2);

    worker.clearCaches();
    Path second = picture(run(GUIDE));
    assertThat(second).isNotEqualTo(first);
    assertThat(Files.readAllBytes(second)).isEqualTo(Files.readAllBytes(first));
  }

  @Test
  void another_seed_makes_another_picture_and_runs_only_what_follows_it() throws IOException {
    Path first = picture(run(GUIDE));
    Path second = picture(run(GUIDE.replace("123456", "18446744073709551615")));
    assertThat(ImageReader.read(second).bytes()).isNotEqualTo(ImageReader.read(first).bytes());
    assertThat(events)
        .filteredOn(ExecutionEvent.NodeStarted.class::isInstance)
        .extracting(event -> ((ExecutionEvent.NodeStarted) event).nodeId())
        .containsExactly("3", "8", "9");
  }

  @Test
  void a_picture_can_be_loaded_encoded_and_sampled_again() {
    Path first = picture(run(GUIDE));
    String again =
        GUIDE
            .replace(
                "'5':{'inputs':{'width':64,'height':64,'batch_size':1},'class_type':'EmptyLatentImage'}",
                "'1':{'class_type':'LoadImage','inputs':{'image':'"
                    + first.getFileName()
                    + " [output]'}},'5':{'class_type':'VAEEncode','inputs':{'pixels':['1',0],'vae':['4',2]}}")
            .replace("'denoise':1.0", "'denoise':0.5");
    Path second = picture(run(again));
    assertThat(ImageReader.read(second).width()).isEqualTo(64);
  }

  @Test
  void two_samplers_may_share_one_run_and_clip_may_stop_early() {
    String advanced =
        """
        {'1':{'class_type':'CLIPSetLastLayer','inputs':{'clip':['4',1],'stop_at_clip_layer':-2}},
         '2':{'class_type':'KSamplerAdvanced','inputs':{'model':['4',0],'add_noise':'enable',
              'noise_seed':7,'steps':2,'cfg':1.0,'sampler_name':'euler','scheduler':'normal',
              'positive':['6',0],'negative':['6',0],'latent_image':['5',0],'start_at_step':0,
              'end_at_step':1,'return_with_leftover_noise':'enable'}},
         '3':{'class_type':'KSamplerAdvanced','inputs':{'model':['4',0],'add_noise':'disable',
              'noise_seed':7,'steps':2,'cfg':1.0,'sampler_name':'euler','scheduler':'normal',
              'positive':['6',0],'negative':['6',0],'latent_image':['2',0],'start_at_step':1,
              'end_at_step':10000,'return_with_leftover_noise':'disable'}},
         '4':{'inputs':{'ckpt_name':'tiny.safetensors'},'class_type':'CheckpointLoaderSimple'},
         '5':{'inputs':{'width':64,'height':64,'batch_size':1},'class_type':'EmptyLatentImage'},
         '6':{'inputs':{'text':'a hill','clip':['1',0]},'class_type':'CLIPTextEncode'},
         '8':{'inputs':{'samples':['3',0],'vae':['4',2]},'class_type':'VAEDecode'},
         '9':{'inputs':{'filename_prefix':'two','images':['8',0]},'class_type':'SaveImage'}}
        """;
    assertThat(picture(run(advanced))).isRegularFile();
  }
}
