package quartet.api.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.bench.LoadRun;
import quartet.api.bench.Samples;
import quartet.api.bench.Scrape;
import quartet.api.bench.ServerClient;

/** {@code quartet bench load}: scaling, waits and a full queue of a running server. */
@CommandLine.Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description =
        "Times a running server from the first request to the last picture: one device alone, then"
            + " all with the same work for each.")
final class BenchLoadCommand implements Callable<Integer> {
  private static final double SECONDS_PER_HOUR = 3600;

  @CommandLine.Mixin private MeasuredServer target = new MeasuredServer();

  @CommandLine.Option(
      names = "--per-gpu",
      defaultValue = "10",
      description = "Prompts for each device (default: ${DEFAULT-VALUE}; 0: leaves this out).")
  private int perGpu = 10;

  @CommandLine.Option(
      names = "--unpinned",
      description = "Leaves the choice of devices to the server.")
  private boolean unpinned;

  @CommandLine.Option(
      names = "--idle",
      defaultValue = "0",
      description = "Prompts that find the server idle, one after the other.")
  private int idle;

  @CommandLine.Option(
      names = "--queued",
      defaultValue = "0",
      description = "Waiting prompts behind which POST, /queue/all and cancel are timed.")
  private int queued;

  @CommandLine.Option(
      names = "--calls",
      defaultValue = "100",
      description = "Calls of each kind then (default: ${DEFAULT-VALUE}).")
  private int calls = 100;

  @Override
  public Integer call() {
    PrintWriter out = target.out();
    try (ServerClient client = target.client();
        LoadRun load = new LoadRun(client, target.prompt())) {
      var devices = client.get("/system_stats").json().path("devices");
      out.println(
          "server "
              + client.server()
              + ": "
              + devices.size()
              + " devices, first one "
              + devices.path(0).path("name").asText());
      if (perGpu > 0) {
        scaling(out, load, devices.size());
      }
      if (idle > 0) {
        out.println("idle, acceptance to start: " + load.idleWaits(idle));
      }
      if (queued > 0) {
        full(out, load.full(queued, calls));
      }
    }
    return CommandLine.ExitCode.OK;
  }

  private void scaling(PrintWriter out, LoadRun load, int devices) {
    List<Double> first = new ArrayList<>();
    for (int gpu = 0; gpu < devices; gpu++) {
      first.add(load.burst(List.of(gpu)).seconds()); // models are loaded, code is compiled
    }
    double warm = load.burst(List.of(0)).seconds();
    out.println(
        String.format(
            Locale.ROOT,
            "first prompt %.2f s on GPU 0%s; a later one %.2f s",
            first.getFirst(),
            devices > 1 ? String.format(Locale.ROOT, ", %.2f s on GPU 1", first.get(1)) : "",
            warm));
    double before = resident();
    LoadRun.Burst one = load.burst(gpus(1));
    report(out, "GPU 0 alone", one);
    if (devices > 1) {
      LoadRun.Burst all =
          load.burst(unpinned ? Collections.nCopies(perGpu * devices, null) : gpus(devices));
      report(out, devices + " devices" + (unpinned ? ", unpinned" : ""), all);
      double ratio = all.prompts() / all.seconds() / (one.prompts() / one.seconds());
      out.println(
          String.format(Locale.ROOT, "speed-up %.2f of %d, same work for each", ratio, devices));
    }
    double after = resident();
    if (before > 0) {
      out.println(
          String.format(
              Locale.ROOT,
              "RSS %.0f MB before, %.0f MB after (%+.1f %%)",
              before / 1e6,
              after / 1e6,
              (after / before - 1) * 100));
    }
  }

  /** The server's resident bytes; 0 if it does not say. */
  private double resident() {
    try (ServerClient client = target.client()) {
      ServerClient.Answer answer = client.get("/metrics");
      return answer.status() == 200
          ? Scrape.parse(new String(answer.body(), StandardCharsets.UTF_8))
              .sum("quartet_process_resident_bytes")
          : 0;
    }
  }

  private List<@Nullable Integer> gpus(int devices) {
    List<@Nullable Integer> gpus = new ArrayList<>();
    for (int i = 0; i < perGpu * devices; i++) {
      gpus.add(i % devices);
    }
    return gpus;
  }

  private static void report(PrintWriter out, String what, LoadRun.Burst burst) {
    out.println(
        String.format(
            Locale.ROOT,
            "%s: %d prompts, %d pictures in %.2f s (posted in %.2f s), %.0f pictures/h; one prompt %s",
            what,
            burst.prompts(),
            burst.pictures(),
            burst.seconds(),
            burst.postingSeconds(),
            burst.pictures() / burst.seconds() * SECONDS_PER_HOUR,
            burst.latencies()));
  }

  private static void full(PrintWriter out, LoadRun.Full full) {
    out.println("with " + full.queued() + " prompts waiting:");
    line(out, "filling, 8 at a time", full.filling());
    line(out, "POST /prompt", full.post());
    line(out, "GET /queue/all", full.queueAll());
    line(out, "cancel", full.cancel());
  }

  private static void line(PrintWriter out, String what, Samples samples) {
    out.println("  " + what + ": " + samples);
  }
}
