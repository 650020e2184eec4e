package quartet.api.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.Comparison;
import quartet.api.bench.ServerClient;
import quartet.api.bench.Side;
import quartet.api.wire.Json;

/** {@code quartet bench compare}: the same prompts on this server and on another one. */
@CommandLine.Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Runs the same prompts on a server and on another one, ComfyUI or Quartet, one after the"
            + " other, and writes compare.md and compare.json: times to the last picture, latencies,"
            + " failures, and how alike the pictures are. Ends with 1 if a prompt failed here.")
final class BenchCompareCommand implements Callable<Integer> {
  @CommandLine.Mixin private MeasuredServer target = new MeasuredServer();

  @CommandLine.Option(
      names = "--against",
      paramLabel = "URL",
      required = true,
      description = "The other server, which must have the same models.")
  private String against = "";

  @CommandLine.Option(
      names = "--prompts",
      defaultValue = "8",
      description = "How many, with seeds of their own (default: ${DEFAULT-VALUE}).")
  private int prompts = 8;

  @CommandLine.Option(
      names = "--seed",
      description = "The first seed (default: one that was not used before).")
  private @Nullable Long seed;

  @CommandLine.Option(
      names = "--output",
      defaultValue = ".",
      description = "Where the two files go (default: here).")
  private Path output = Path.of(".");

  @Override
  public Integer call() {
    PrintWriter out = target.out();
    ObjectNode workflow = target.prompt();
    long first = seed == null ? System.nanoTime() & 0xFFFF_FFFFL : seed;
    List<Long> seeds = LongStream.range(first, first + Math.max(1, prompts)).boxed().toList();
    try (ServerClient here = target.client();
        ServerClient there = new ServerClient(against, null)) {
      System.err.println("compare: " + here.server());
      Side ours = Side.run(here, workflow, seeds);
      System.err.println("compare: " + there.server());
      Side theirs = Side.run(there, workflow, seeds);
      Comparison comparison = new Comparison(target.workflowName(), ours, theirs);
      MeasuredServer.write(output, "compare.md", comparison.markdown());
      MeasuredServer.write(output, "compare.json", Json.text(comparison.json()));
      out.print(comparison.markdown());
      out.flush();
      return ours.failed() == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
  }
}
