package quartet.api.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.LoadRun;
import quartet.api.bench.ServerClient;
import quartet.api.report.Report;
import quartet.api.report.ReportPage;
import quartet.api.report.ReportRun;
import quartet.api.wire.Json;

/** {@code quartet report}: tries a running server and fills the test report in. */
@CommandLine.Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description =
        "Tries a running server without other users and writes report.md, report.html and"
            + " report.json. Ends with 1 if a check failed.")
final class ReportCommand implements Callable<Integer> {
  @CommandLine.Mixin private MeasuredServer target = new MeasuredServer();

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

  @Override
  public Integer call() {
    PrintWriter out = target.out();
    try (ServerClient client = target.client();
        LoadRun load = new LoadRun(client, target.prompt())) {
      Report report =
          new ReportRun(client, load, perGpu, what -> System.err.println("report: " + what))
              .run(gpus);
      MeasuredServer.write(output, "report.md", report.markdown());
      MeasuredServer.write(output, "report.html", ReportPage.of(report));
      MeasuredServer.write(output, "report.json", Json.text(report.json()));
      out.print(report.markdown());
      out.flush();
      return report.problems().isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
  }
}
