package quartet.api.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.DeviceChoice;
import quartet.api.serve.Workers;
import quartet.api.wire.Json;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
import quartet.engine.exec.CacheMode;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.files.Folders;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.plugin.PlugIns;
import quartet.engine.run.CancelToken;
import quartet.engine.sim.SimCosts;
import quartet.engine.workflow.WorkflowConverter;
import quartet.errors.EngineException;
import quartet.tensor.Device;

/** {@code quartet run WORKFLOW.json}: one workflow, in this process, without a server. */
@CommandLine.Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = "Runs one workflow in this process and prints the paths of its pictures.")
final class RunCommand implements Callable<Integer> {
  private static final int FAILURE = 1;

  private final BackendFactory backends;

  @CommandLine.Parameters(
      paramLabel = "WORKFLOW.json",
      description = "A workflow: in API form, as the editor saves it, or a PNG with one.")
  private Path workflow = Path.of("");

  @CommandLine.Option(
      names = "--set",
      paramLabel = "NODE.INPUT=VALUE",
      description = "Changes an input, for example --set 6.text=\"a sunset\". May be repeated.")
  private List<String> changes = new ArrayList<>();

  @CommandLine.Option(
      names = "--devices",
      defaultValue = "auto",
      description = "auto, cpu:1, cuda:0 or sim:1 (default: ${DEFAULT-VALUE}).")
  private String devices = "auto";

  @CommandLine.Option(names = "--sim", paramLabel = "COSTS", description = SimCosts.HELP)
  private String sim = "";

  @CommandLine.Option(
      names = "--base-directory",
      defaultValue = "${sys:quartet.home:-.}",
      description =
          "Parent of models, input, output, …. Default: the folder of the quartet command.")
  private Path base = Path.of(".");

  @CommandLine.Option(
      names = {"--output", "--output-directory"},
      description = "Where pictures go (default: output below the base directory).")
  private @Nullable Path output;

  @CommandLine.Option(
      names = "--disable-metadata",
      description = "Writes no workflow into the pictures.")
  private boolean noMetadata;

  RunCommand(BackendFactory backends) {
    this.backends = backends;
  }

  @Override
  public Integer call() {
    PrintStream out = System.out;
    PrintStream err = System.err;
    Folders folders = output == null ? Folders.below(base) : Folders.below(base).withOutput(output);
    WorkflowFile.Content content = WorkflowFile.read(workflow);
    PlugIns plugIns = PlugIns.load(folders.customNodes());
    plugIns.problems().forEach(problem -> err.println("quartet: " + problem));
    NodeRegistry registry =
        NodeRegistry.of(
            new CoreNodes(), plugIns.packs(), problem -> err.println("quartet: " + problem));
    ObjectNode prompt =
        switch (content) {
          case WorkflowFile.Content.Prompt ready -> ready.nodes();
          case WorkflowFile.Content.Editor editor ->
              new WorkflowConverter(registry, folders).convert(editor.workflow());
        };
    ExecutionPlan plan = plan(WorkflowFile.changed(prompt, changes), registry, folders);
    folders.create();
    Device device =
        DeviceChoice.of(devices, new DeviceChoice.Environment("0", null), backends.gpus(), false)
            .devices()
            .getFirst();
    Instant start = Instant.now();
    try (DeviceThread thread =
            new DeviceThread(
                0,
                () ->
                    new Workers(
                            backends,
                            SimCosts.parse(sim),
                            null,
                            folders,
                            !noMetadata,
                            1,
                            new CacheMode.Classic())
                        .open(0, device, new LocalHostModels()));
        RunProgress progress = new RunProgress(plan)) {
      DeviceWorker.Job job =
          new DeviceWorker.Job(
              UUID.randomUUID().toString(), plan, Json.object(), CancelToken.NEVER);
      ExecutionOutcome outcome =
          thread.submit(worker -> worker.run(job, progress)).join().outcome();
      progress.end();
      return report(outcome, folders, Duration.between(start, Instant.now()), out, err);
    }
  }

  private static ExecutionPlan plan(ObjectNode prompt, NodeRegistry registry, Folders folders) {
    Validation validation = new GraphValidator(registry, folders).validate(prompt, null);
    String problems = ValidationText.of(validation);
    return switch (validation) {
      case Validation.Ready ready -> {
        if (!problems.isEmpty()) {
          System.err.println(problems);
        }
        yield ready.plan();
      }
      case Validation.Invalid ignored ->
          throw new EngineException(CliError.WORKFLOW_INVALID, problems);
    };
  }

  private static int report(
      ExecutionOutcome outcome, Folders folders, Duration took, PrintStream out, PrintStream err) {
    for (Map.Entry<String, ObjectNode> shown : outcome.shown().entrySet()) {
      for (JsonNode image : shown.getValue().path("images")) {
        Path root = image.path("type").asText().equals("temp") ? folders.temp() : folders.output();
        out.println(
            root.resolve(image.path("subfolder").asText())
                .resolve(image.path("filename").asText()));
      }
    }
    return switch (outcome) {
      case ExecutionOutcome.Succeeded ignored -> {
        err.printf(Locale.ROOT, "done in %.1f s%n", took.toMillis() / 1000.0);
        yield CommandLine.ExitCode.OK;
      }
      case ExecutionOutcome.Interrupted ignored -> FAILURE;
      case ExecutionOutcome.Failed failed -> {
        err.printf(
            "quartet: node %s (%s) failed: %s%n",
            failed.nodeId(), failed.nodeType(), failed.message());
        yield FAILURE;
      }
    };
  }
}
