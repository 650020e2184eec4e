package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
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
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.testkit.Goldens;

/** Folders with models in them, a device, and a way to run a workflow to its outcome. */
final class Studio implements AutoCloseable {
  final Folders folders;
  private final CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
  private final CpuBackend backend = new CpuBackend(host, Device.cpu(0));
  private final DeviceWorker worker;

  Studio(Path base) {
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

  ExecutionOutcome run(String prompt) {
    return run(Json.object(prompt));
  }

  ExecutionOutcome run(ObjectNode prompt) {
    GraphValidator validator =
        new GraphValidator(FakeNode.registry(new CoreNodes().nodes()), folders);
    return switch (validator.validate(prompt, null)) {
      case Validation.Ready ready ->
          worker
              .run(
                  new DeviceWorker.Job(
                      "p", ready.plan(), JsonNodeFactory.instance.objectNode(), CancelToken.NEVER),
                  event -> {})
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
