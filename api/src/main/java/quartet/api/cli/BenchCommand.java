package quartet.api.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code quartet bench}: measurements. */
@CommandLine.Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures a running server, or simulates many.",
    subcommands = {
      BenchLoadCommand.class,
      BenchCompareCommand.class,
      BenchSoakCommand.class,
      BenchSimulateCommand.class
    })
final class BenchCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
    return CommandLine.ExitCode.USAGE;
  }
}
