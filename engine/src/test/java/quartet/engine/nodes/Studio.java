package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
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

/**
 * Folders with models in them, a device, and a way to run a workflow to its outcome. Either opened
 * and closed, or {@link #ofTiny} for each test of a class.
 */
final class Studio implements AutoCloseable, AfterEachCallback {
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
  final Path base;
  private final CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
  private final CpuBackend backend = new CpuBackend(host, Device.cpu(0));
  private final DeviceWorker worker;

  Studio(Path base) {
    this.base = base;
    folders = Folders.below(base);
    folders.create();
    worker = new DeviceWorker(0, backend, new LocalHostModels(), folders, true, 1);
  }

  /**
   * With the tiny checkpoint of {@link #BASE}, below a folder of its own. As a field with {@code
   * RegisterExtension} it is a new one for each test, and goes with it.
   */
  static Studio ofTiny() {
    try {
      return new Studio(Files.createTempDirectory("studio"))
          .model("tiny_sd15", "checkpoints", "tiny.safetensors");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void afterEach(ExtensionContext test) throws IOException {
    try {
      close();
    } finally {
      try (Stream<Path> all = Files.walk(base)) {
        for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(one);
        }
      }
    }
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
  static ObjectNode with(String... nodes) {
    ObjectNode prompt = Json.object(BASE);
    for (String some : nodes) {
      prompt.setAll(Json.object(some));
    }
    return prompt;
  }

  /** The same with one input of one node linked elsewhere. */
  static ObjectNode linked(String node, String input, String to, String... nodes) {
    ObjectNode prompt = with(nodes);
    link(prompt, node, input, to, 0);
    return prompt;
  }

  /** Links an input of a node to an output of another. */
  static void link(ObjectNode prompt, String node, String input, String to, int output) {
    ((ObjectNode) prompt.path(node).path("inputs"))
        .set(input, Json.value("['%s',%d]".formatted(to, output)));
  }

  /**
   * Puts a golden checkpoint without a VAE into its folder, and the tiny one's VAE into its own.
   *
   * @return nodes that take both in the place of the base workflow's; the VAE is node 10
   */
  String checkpointWithoutVae(String golden) {
    model(golden, "checkpoints", golden + ".safetensors");
    model("tiny_sd15", "vae", "tiny.safetensors");
    return """
        {'4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'%s.safetensors'}},
         '10':{'class_type':'VAELoader','inputs':{'vae_name':'tiny.safetensors'}},
         '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}}}
        """
        .formatted(golden);
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

  /** A LoRA of one module of the tiny checkpoint, whose second extent may be made wrong. */
  Path lora(int width, int rank) {
    String module = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k";
    return written(
        Map.of(
            module + ".lora_up.weight", random(1, 64, rank),
            module + ".lora_down.weight", random(2, rank, width)));
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
