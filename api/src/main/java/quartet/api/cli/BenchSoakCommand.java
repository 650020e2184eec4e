package quartet.api.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import quartet.api.bench.LoadRun;
import quartet.api.bench.ServerClient;
import quartet.api.bench.SoakRun;

/** {@code quartet bench soak}: hours of load, and what grows meanwhile. */
@CommandLine.Command(
    name = "soak",
    mixinStandardHelpOptions = true,
    description =
        "Keeps a running server busy and reports prompts, failures, and the slopes of its memory,"
            + " threads and file handles. Ends with 1 if a prompt failed.")
final class BenchSoakCommand implements Callable<Integer> {
  @CommandLine.Mixin private MeasuredServer target = new MeasuredServer();

  @CommandLine.Option(
      names = "--minutes",
      defaultValue = "30",
      description = "How long (default: ${DEFAULT-VALUE}).")
  private double minutes = 30;

  @CommandLine.Option(
      names = "--at-once",
      defaultValue = "16",
      description = "Prompts in a round (default: ${DEFAULT-VALUE}).")
  private int atOnce = 16;

  @Override
  public Integer call() {
    PrintWriter out = target.out();
    try (ServerClient client = target.client();
        LoadRun load = new LoadRun(client, target.prompt())) {
      SoakRun.Result result =
          new SoakRun(client, load)
              .run(
                  Duration.ofMillis(Math.round(minutes * 60_000)), atOnce, look -> show(out, look));
      result.lines().forEach(out::println);
      out.flush();
      return result.failed() == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
  }

  private static void show(PrintWriter out, SoakRun.Look look) {
    out.println(
        String.format(
            Locale.ROOT,
            "%6.1f min  rss %.0f MB  anonymous %.0f MB  heap %.0f MB (%.0f after collections)  threads %.0f  files %.0f",
            look.minutes(),
            look.rss() / 1e6,
            look.anonymous() / 1e6,
            look.heap() / 1e6,
            look.live() / 1e6,
            look.threads(),
            look.files()));
    out.flush();
  }
}
