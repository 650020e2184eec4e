package quartet.api.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.LoadRun;
import quartet.api.bench.ServerClient;
import quartet.api.report.Report;
import quartet.api.report.ReportPage;
import quartet.api.report.ReportRun;
import quartet.api.wire.Json;
import quartet.errors.EngineException;

/** {@code quartet report}: tries a running server and fills the test report in. */
@CommandLine.Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description =
        "Tries a running server without other users and writes report.md, report.html and"
            + " report.json. Ends with 1 if a check failed.")
final class ReportCommand implements Callable<Integer> {
  @CommandLine.Parameters(paramLabel = "WORKFLOW.json", description = "A workflow in API form.")
  private Path workflow = Path.of("");

  @CommandLine.Option(
      names = "--set",
      paramLabel = "NODE.INPUT=VALUE",
      description = "Changes an input. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @CommandLine.Option(
      names = "--server",
      defaultValue = "http://127.0.0.1:8188",
      description = "Where the server is (default: ${DEFAULT-VALUE}).")
  private String server = "http://127.0.0.1:8188";

  @CommandLine.Option(names = "--gpus", description = "How many devices there should be.")
  private @Nullable Integer gpus;

  @CommandLine.Option(
      names = "--per-gpu",
      defaultValue = "10",
      description = "Prompts for each device in the throughput check (default: ${DEFAULT-VALUE}).")
  private int perGpu = 10;

  @CommandLine.Option(
      names = "--output",
      defaultValue = ".",
      description = "Where the three files go (default: here).")
  private Path output = Path.of(".");

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out =
        spec == null
            ? new PrintWriter(System.out, true, StandardCharsets.UTF_8)
            : spec.commandLine().getOut();
    try (ServerClient client = new ServerClient(server);
        LoadRun load = new LoadRun(client, WorkflowFile.prompt(workflow, changes))) {
      Report report =
          new ReportRun(client, load, perGpu, what -> System.err.println("report: " + what))
              .run(gpus);
      write("report.md", report.markdown());
      write("report.html", ReportPage.of(report));
      write("report.json", Json.text(report.json()));
      out.print(report.markdown());
      out.flush();
      return report.problems().isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
  }

  private void write(String name, String text) {
    try {
      Files.createDirectories(output);
      Files.writeString(output.resolve(name), text);
    } catch (IOException e) {
      throw new EngineException(
          CliError.CANNOT_WRITE, "Cannot write " + output.resolve(name) + ": " + e, e);
    }
  }
}
