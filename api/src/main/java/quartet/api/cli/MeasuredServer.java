package quartet.api.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.ServerClient;
import quartet.errors.EngineException;

/** What every measuring command is told: which workflow, and which server. */
final class MeasuredServer {
  @CommandLine.Parameters(paramLabel = "WORKFLOW.json", description = "A workflow in API form.")
  private Path workflow = Path.of("");

  @CommandLine.Option(
      names = "--set",
      paramLabel = "NODE.INPUT=VALUE",
      description = "Changes an input. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @CommandLine.Option(
      names = "--server",
      paramLabel = "URL",
      defaultValue = "http://127.0.0.1:8188",
      description =
          "Where the server is (default: ${DEFAULT-VALUE}). Its key, if it wants one, is in"
              + " QUARTET_KEY.")
  private String server = "http://127.0.0.1:8188";

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.@Nullable CommandSpec spec;

  /** Owner: the caller. */
  ServerClient client() {
    return new ServerClient(server, System.getenv("QUARTET_KEY"));
  }

  ObjectNode prompt() {
    return WorkflowFile.prompt(workflow, changes);
  }

  String workflowName() {
    return String.valueOf(workflow.getFileName());
  }

  PrintWriter out() {
    return spec == null
        ? new PrintWriter(System.out, true, StandardCharsets.UTF_8)
        : spec.commandLine().getOut();
  }

  /** Writes a result into a folder that need not be there yet. */
  static void write(Path folder, String name, String text) {
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new EngineException(
          CliError.CANNOT_WRITE, "Cannot write " + folder.resolve(name) + ": " + e, e);
    }
  }
}
