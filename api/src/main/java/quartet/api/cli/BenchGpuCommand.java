package quartet.api.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.DeviceChoice;
import quartet.api.serve.ServeError;
import quartet.engine.bench.ModelBench;
import quartet.engine.bench.OpBench;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.Device;

/** {@code quartet bench gpu}: what a card does, against its own ceilings. */
@CommandLine.Command(
    name = "gpu",
    mixinStandardHelpOptions = true,
    description =
        "Measures a device alone, without a server: its ceilings, single ops, and with a"
            + " checkpoint loading, sampling, decoding and whole prompts.")
final class BenchGpuCommand implements Callable<Integer> {
  private static final int SMALLEST = 64;
  private static final int LARGEST = 2048;

  private final BackendFactory backends;

  @CommandLine.Option(
      names = "--devices",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cuda:0 or cpu:1; one device (default: ${DEFAULT-VALUE}).")
  private String devices = "auto";

  @CommandLine.Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description = "A checkpoint to sample with; without one only ops are measured.")
  private @Nullable Path checkpoint;

  @CommandLine.Option(
      names = "--size",
      defaultValue = "512",
      description =
          "Width and height of the pictures (default: ${DEFAULT-VALUE}; SDXL wants 1024).")
  private int size = 512;

  @CommandLine.Option(
      names = "--batches",
      split = ",",
      defaultValue = "1,4",
      description = "Batch sizes to sample (default: ${DEFAULT-VALUE}).")
  private List<Integer> batches = new ArrayList<>();

  @CommandLine.Option(names = "--no-ops", description = "Leave the single ops out.")
  private boolean noOps;

  @CommandLine.Option(
      names = "--output",
      paramLabel = "FILE.md",
      description = "Write the tables to a file too.")
  private @Nullable Path output;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  BenchGpuCommand(BackendFactory backends) {
    this.backends = backends;
  }

  @Override
  public Integer call() throws IOException {
    if (size < SMALLEST || size > LARGEST || size % 8 != 0) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--size is %d; it must be a multiple of 8 from %d to %d"
              .formatted(size, SMALLEST, LARGEST));
    }
    if (checkpoint != null && !Files.isRegularFile(checkpoint)) {
      throw new EngineException(
          ServeError.BAD_OPTION, "--checkpoint: there is no file " + checkpoint);
    }
    PrintWriter out =
        spec == null
            ? new PrintWriter(System.out, true, StandardCharsets.UTF_8)
            : spec.commandLine().getOut();
    Device device =
        DeviceChoice.of(devices, new DeviceChoice.Environment("0", null), backends.gpus(), false)
            .devices()
            .getFirst();
    List<String> lines = new ArrayList<>();
    try (Backend backend = backends.open(device)) {
      say(out, lines, "## %s".formatted(backend.description()));
      say(
          out,
          lines,
          "%s, Java %s, `quartet bench gpu`"
              .formatted(LocalDate.now(ZoneId.systemDefault()), Runtime.version().feature()));
      if (!noOps) {
        say(out, lines, "");
        say(out, lines, "| op | time | rate | share of the ceiling |");
        say(out, lines, "|---|---|---|---|");
        new OpBench(backend).run(figure -> say(out, lines, figure.markdown()));
      }
      if (checkpoint != null) {
        say(out, lines, "");
        say(out, lines, "| %s | time | rate | |".formatted(checkpoint.getFileName()));
        say(out, lines, "|---|---|---|---|");
        new ModelBench(backend, checkpoint)
            .run(size, batches, figure -> say(out, lines, figure.markdown()));
      }
    }
    if (output != null) {
      Files.write(output, lines);
      out.println("written to " + output);
    }
    return CommandLine.ExitCode.OK;
  }

  private static void say(PrintWriter out, List<String> lines, String line) {
    lines.add(line);
    out.println(line);
    out.flush();
  }
}
