package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.run.CancelToken;
import quartet.errors.Required;
import quartet.image.ImageReader;
import quartet.image.Pixels;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.testkit.Goldens;

/** Folders with models in them, a device, and a way to run a workflow to its outcome. */
final class Studio implements AutoCloseable {
  /** Text to image at 64x64 with the tiny checkpoint; node 9 saves. */
  static final String BASE =
      """
      {'3':{'class_type':'KSampler','inputs':{'seed':7,'steps':2,'cfg':4.0,'sampler_name':'euler',
            'scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['6',0],
            'negative':['7',0],'latent_image':['5',0]}},
       '4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'tiny.safetensors'}},
       '5':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}},
       '6':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['4',1]}},
       '7':{'class_type':'CLIPTextEncode','inputs':{'text':'fog','clip':['4',1]}},
       '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['4',2]}},
       '9':{'class_type':'SaveImage','inputs':{'filename_prefix':'x','images':['8',0]}}}
      """;

  final Folders folders;
  private final Path base;
  private final CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
  private final CpuBackend backend = new CpuBackend(host, Device.cpu(0));
  private final DeviceWorker worker;

  Studio(Path base) {
    this.base = base;
    folders = Folders.below(base);
    folders.create();
    worker = new DeviceWorker(0, backend, new LocalHostModels(), folders, true, 1);
  }

  /** Puts a golden file into a models folder under a name. */
  Studio model(String golden, String folder, String name) {
    return model(Goldens.path(golden + ".safetensors"), folder, name);
  }

  /** Puts a file into a models folder under a name. */
  Studio model(Path file, String folder, String name) {
    try {
      Path directory = Files.createDirectories(folders.models().resolve(folder));
      Files.copy(file, directory.resolve(name));
      return this;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The base workflow with nodes added or replaced. */
  static ObjectNode with(String nodes) {
    ObjectNode prompt = Json.object(BASE);
    prompt.setAll(Json.object(nodes));
    return prompt;
  }

  /** The same with one input of one node linked elsewhere. */
  static ObjectNode linked(String node, String input, String to, String nodes) {
    ObjectNode prompt = with(nodes);
    ((ObjectNode) prompt.path(node).path("inputs")).set(input, Json.value("['" + to + "',0]"));
    return prompt;
  }

  /** Normal numbers of a seed. */
  static HostTensor random(long seed, int... extents) {
    long[] shape = new long[extents.length];
    int count = 1;
    for (int i = 0; i < extents.length; i++) {
      shape[i] = extents[i];
      count *= extents[i];
    }
    return HostTensor.of(Shape.of(shape), new TorchGenerator(seed).randn(count));
  }

  /** Fails if any two bytes of the pictures are further apart. */
  static void assertClose(byte[] actual, byte[] expected, int levels) {
    assertThat(actual).hasSameSizeAs(expected);
    int worst = 0;
    for (int i = 0; i < actual.length; i++) {
      int distance = Math.abs(Byte.toUnsignedInt(actual[i]) - Byte.toUnsignedInt(expected[i]));
      worst = Math.max(worst, distance);
    }
    assertThat(worst).as("levels between two pictures").isLessThanOrEqualTo(levels);
  }

  /** A file of these tensors. */
  Path written(Map<String, HostTensor> tensors) {
    return written(tensors, Map.of());
  }

  /** The same with what the file says of itself. */
  Path written(Map<String, HostTensor> tensors, Map<String, String> metadata) {
    try {
      Path file = Files.createTempFile(base, "made", ".safetensors");
      SafetensorsWriter.write(file, tensors, metadata);
      return file;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The bytes of the picture that node 9 saves. */
  byte[] pixels(ObjectNode prompt) {
    return picture(run(prompt), "9").bytes();
  }

  /** The message with which a prompt fails. */
  String failure(ObjectNode prompt) {
    ExecutionOutcome outcome = run(prompt);
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Failed.class);
    return ((ExecutionOutcome.Failed) outcome).message();
  }

  ExecutionOutcome run(String prompt) {
    return run(Json.object(prompt));
  }

  ExecutionOutcome run(ObjectNode prompt) {
    return run(prompt, event -> {});
  }

  /** The same with everything that happens told. */
  ExecutionOutcome run(ObjectNode prompt, Consumer<ExecutionEvent> events) {
    GraphValidator validator =
        new GraphValidator(FakeNode.registry(new CoreNodes().nodes()), folders);
    return switch (validator.validate(prompt, null)) {
      case Validation.Ready ready ->
          worker
              .run(
                  new DeviceWorker.Job(
                      "p", ready.plan(), JsonNodeFactory.instance.objectNode(), CancelToken.NEVER),
                  events)
              .outcome();
      case Validation.Invalid invalid ->
          throw new AssertionError(invalid.error() + " " + invalid.nodeErrors());
    };
  }

  /** The first picture that a node saved. */
  Pixels picture(ExecutionOutcome outcome, String nodeId) {
    return ImageReader.read(pictureFile(outcome, nodeId));
  }

  Path pictureFile(ExecutionOutcome outcome, String nodeId) {
    if (!(outcome instanceof ExecutionOutcome.Succeeded)) {
      throw new AssertionError(outcome.toString());
    }
    JsonNode image = Required.in(outcome.shown(), nodeId).path("images").path(0);
    return folders
        .output()
        .resolve(image.path("subfolder").asText())
        .resolve(image.path("filename").asText());
  }

  @Override
  public void close() {
    assertThat(backend.memory().scopeBytes()).isZero();
    worker.clearCaches();
    assertThat(backend.memory().parameterBytes()).isZero();
    worker.close();
    host.close();
  }
}
