package quartet.api.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.doctor.GpuProbe;
import quartet.api.serve.BackendFactory;
import quartet.errors.EngineException;

/** The command {@code quartet} and its sub-commands. */
@CommandLine.Command(
    name = "quartet",
    mixinStandardHelpOptions = true,
    versionProvider = ProductVersion.class,
    description = "ComfyUI workflows on every GPU of a server, from one JVM.",
    synopsisSubcommandLabel = "COMMAND")
public final class QuartetCommand implements Callable<Integer> {
  private static final int FAILURE = 1;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  private QuartetCommand() {}

  /** Parses the arguments and runs what they say; errors become one line, never a stack trace. */
  public static int execute(BackendFactory backends, GpuProbe gpus, String... args) {
    CommandLine line =
        new CommandLine(new QuartetCommand())
            .addSubcommand(new RunCommand(backends))
            .addSubcommand(new ServeCommand(backends))
            .addSubcommand(new SubmitCommand())
            .addSubcommand(new QueueCommand())
            .addSubcommand(new CancelCommand())
            .addSubcommand(new KeyCommand())
            .addSubcommand(new DoctorCommand(gpus))
            .addSubcommand(
                new CommandLine(new BenchCommand()).addSubcommand(new BenchGpuCommand(backends)))
            .addSubcommand(new ReportCommand())
            .addSubcommand(new GpuWorkerCommand(backends));
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          String text =
              failure instanceof EngineException
                  ? String.valueOf(failure.getMessage())
                  : "unexpected: " + failure;
          command.getErr().println("quartet: " + text);
          if (!(failure instanceof EngineException)) {
            failure.printStackTrace(command.getErr());
          }
          return FAILURE;
        });
    return line.execute(args);
  }

  @Override
  public Integer call() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
    return CommandLine.ExitCode.USAGE;
  }
}
