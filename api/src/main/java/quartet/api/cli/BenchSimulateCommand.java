package quartet.api.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.BenchError;
import quartet.api.serve.ServeError;
import quartet.cluster.simulate.Arrival;
import quartet.cluster.simulate.Outcome;
import quartet.cluster.simulate.Simulation;
import quartet.cluster.simulate.World;
import quartet.errors.EngineException;

/** {@code quartet bench simulate}: how many servers a load needs. */
@CommandLine.Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    description =
        "Plans capacity: runs a trace of prompts through pretended servers with the product's own"
            + " queue, and prints waiting times against offered load.")
final class BenchSimulateCommand implements Callable<Integer> {
  private static final int MAX_SERVERS = 1000;

  @CommandLine.Option(
      names = "--servers",
      defaultValue = "1",
      description = "How many, 1 to 1000 (default: ${DEFAULT-VALUE}).")
  private int servers = 1;

  @CommandLine.Option(
      names = "--gpus",
      defaultValue = "4",
      description = "Devices of each server (default: ${DEFAULT-VALUE}).")
  private int gpus = 4;

  @CommandLine.Option(
      names = "--prompt-seconds",
      defaultValue = "4",
      description = "Mean time of a prompt on one device (default: ${DEFAULT-VALUE}).")
  private double promptSeconds = 4;

  @CommandLine.Option(
      names = "--load-seconds",
      defaultValue = "5",
      description = "Time to load another checkpoint (default: ${DEFAULT-VALUE}).")
  private double loadSeconds = 5;

  @CommandLine.Option(
      names = "--models",
      defaultValue = "3",
      description = "Checkpoints in use (default: ${DEFAULT-VALUE}).")
  private int models = 3;

  @CommandLine.Option(
      names = "--max-resident",
      defaultValue = "2",
      description = "Checkpoints that a device holds (default: ${DEFAULT-VALUE}).")
  private int maxResident = 2;

  @CommandLine.Option(
      names = "--clients",
      defaultValue = "20",
      description = "Clients that post (default: ${DEFAULT-VALUE}).")
  private int clients = 20;

  @CommandLine.Option(
      names = "--prompts",
      defaultValue = "200",
      description = "Prompts for each device in a run (default: ${DEFAULT-VALUE}).")
  private int prompts = 200;

  @CommandLine.Option(
      names = "--offered",
      split = ",",
      defaultValue = "0.3,0.5,0.7,0.8,0.9,0.95",
      description =
          "Offered loads, as shares of what the devices can do (default: ${DEFAULT-VALUE}).")
  private List<Double> offered = new ArrayList<>();

  @CommandLine.Option(
      names = "--trace",
      paramLabel = "FILE.csv",
      description =
          "A real trace instead: lines of seconds,client,model,seconds-on-one-device; it is run"
              + " as it stands.")
  private @Nullable Path trace;

  @CommandLine.Option(
      names = "--seed",
      defaultValue = "1",
      description = "The same seed is the same run (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (servers < 1 || servers > MAX_SERVERS || gpus < 1 || models < 1 || clients < 1) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--servers is from 1 to %d, and --gpus, --models and --clients are at least 1"
              .formatted(MAX_SERVERS));
    }
    PrintWriter out =
        spec == null
            ? new PrintWriter(System.out, true, StandardCharsets.UTF_8)
            : spec.commandLine().getOut();
    assumptions(out);
    World world = World.calm(servers, Collections.nCopies(gpus, 1.0), loadSeconds, maxResident);
    out.println("offered  busy   wait median   p95      p99      prompts/h  loads per device");
    if (trace != null) {
      List<Arrival> arrivals = read(trace);
      double work = arrivals.stream().mapToDouble(Arrival::units).sum();
      double last = arrivals.stream().mapToDouble(Arrival::atSeconds).max().orElse(1);
      row(
          out,
          work / (Math.max(1e-9, last) * servers * gpus),
          new Simulation(seed, world).run(arrivals));
    } else {
      for (double load : offered) {
        row(out, load, new Simulation(seed, world).run(arrivals(load)));
      }
    }
    return CommandLine.ExitCode.OK;
  }

  private void assumptions(PrintWriter out) {
    out.println(
        "%d server(s) with %d equal devices; the product's own queue, simulated time, seed %d"
            .formatted(servers, gpus, seed));
    out.println("Assumed:");
    if (trace == null) {
      out.println(
          String.format(
              Locale.ROOT,
              "- prompts come independently (Poisson) from %d clients; %d checkpoints, half of the"
                  + " prompts use the first; none names a device",
              clients,
              models));
      out.println(
          String.format(
              Locale.ROOT,
              "- a prompt takes %.1f s on average, from half to one and a half of that, +-5 %%",
              promptSeconds));
    }
    out.println(
        String.format(
            Locale.ROOT,
            "- loading a checkpoint takes %.1f s, a device holds %d of them; nothing is cached",
            loadSeconds,
            maxResident));
    out.println(
        "- a prompt goes to the server with the least work and stays there; no failures, no"
            + " network, no time for writing pictures");
    out.println(
        "- waits are from acceptance to start, over the whole run, its empty start included");
  }

  private List<Arrival> arrivals(double load) {
    Random random = new Random(seed);
    double perSecond = load * servers * gpus / promptSeconds;
    List<Arrival> arrivals = new ArrayList<>();
    double at = 0;
    for (int i = 0; i < prompts * servers * gpus; i++) {
      at -= Math.log(1 - random.nextDouble()) / perSecond;
      int model = random.nextBoolean() ? 0 : random.nextInt(models);
      arrivals.add(
          new Arrival(
              at,
              "p" + i,
              "client-" + random.nextInt(clients),
              "model-" + model,
              promptSeconds * (0.5 + random.nextDouble()),
              null));
    }
    return arrivals;
  }

  private static List<Arrival> read(Path file) {
    List<Arrival> arrivals = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        String[] parts = line.split(",", -1);
        if (parts.length != 4) {
          throw new EngineException(
              BenchError.BAD_TRACE,
              "%s: a line is seconds,client,model,seconds-on-one-device, and not '%s'"
                  .formatted(file, line));
        }
        arrivals.add(
            new Arrival(
                Double.parseDouble(parts[0].strip()),
                "p" + arrivals.size(),
                parts[1].strip(),
                parts[2].strip(),
                Double.parseDouble(parts[3].strip()),
                null));
      }
    } catch (IOException | NumberFormatException e) {
      throw new EngineException(
          BenchError.BAD_TRACE, "The trace %s cannot be read: %s".formatted(file, e), e);
    }
    return arrivals;
  }

  private static void row(PrintWriter out, double load, Outcome outcome) {
    out.println(
        String.format(
            Locale.ROOT,
            "%6.0f%%  %4.0f%%  %8.2f s  %8.2f s %8.2f s %9.0f  %.2f",
            100 * load,
            100 * outcome.busyShare(),
            Outcome.quantile(outcome.waitSeconds(), 0.5),
            Outcome.quantile(outcome.waitSeconds(), 0.95),
            Outcome.quantile(outcome.waitSeconds(), 0.99),
            outcome.ended() / outcome.seconds() * 3600,
            outcome.loads().values().stream().mapToInt(Integer::intValue).average().orElse(0)));
  }
}
