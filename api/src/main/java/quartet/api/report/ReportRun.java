package quartet.api.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import quartet.api.bench.LoadRun;
import quartet.api.bench.Scrape;
import quartet.api.bench.ServerClient;
import quartet.api.report.Report.Verdict;
import quartet.api.wire.Json;

/**
 * Tries a live server and writes down what it saw. It pauses the queues for a moment, so it is for
 * a server without other users. Thread: the caller's.
 */
public final class ReportRun {
  private static final double SPEED_UP_SHARE = 0.875; // 3.5 of 4
  private static final double MAX_GROWTH = 0.10;
  private static final double LOAD_SPEED_UP = 3;
  private static final int ISOLATED = 20;
  private static final Duration DRAIN_PATIENCE = Duration.ofHours(2);

  private final ServerClient client;
  private final LoadRun load;
  private final int perGpu;
  private final Consumer<String> progress;
  private final List<Report.Fact> facts = new ArrayList<>();
  private final List<Report.Row> rows = new ArrayList<>();
  private final List<Report.Bar> bars = new ArrayList<>();

  /**
   * A run.
   *
   * @param perGpu prompts for each device in the throughput check
   * @param progress hears what is tried next
   */
  public ReportRun(ServerClient client, LoadRun load, int perGpu, Consumer<String> progress) {
    this.client = client;
    this.load = load;
    this.perGpu = perGpu;
    this.progress = progress;
  }

  /**
   * Tries everything.
   *
   * @param wantedGpus how many devices there should be, or null for as many as there are
   */
  public Report run(@Nullable Integer wantedGpus) {
    progress.accept("start-up and devices");
    JsonNode queues = client.get("/queue/all").json().path("queues");
    int gpus = queues.size();
    boolean simulated = facts();
    row("start-up", gpus > 0, true, "/queue/all answers with %d queues".formatted(gpus));
    int up = 0;
    for (JsonNode queue : queues) {
      up += queue.has("unhealthy") ? 0 : 1;
    }
    int wanted = wantedGpus == null ? gpus : wantedGpus;
    row(
        "recognition",
        gpus == wanted && up == gpus,
        true,
        "%d devices wanted, %d there, %d of them up".formatted(wanted, gpus, up));
    loadSpeed(gpus, simulated);
    routing(gpus);
    isolation(gpus);
    throughput(gpus);
    totals();
    return new Report(facts, rows, bars);
  }

  private void row(String name, boolean pass, boolean essential, String evidence) {
    rows.add(new Report.Row(name, pass ? Verdict.PASS : Verdict.FAIL, essential, evidence));
  }

  /** Whether the devices are simulated. */
  private boolean facts() {
    JsonNode stats = client.get("/system_stats").json();
    JsonNode first = stats.path("devices").path(0);
    facts.add(new Report.Fact("version", stats.at("/system/quartet_version").asText()));
    facts.add(new Report.Fact("runtime", stats.at("/system/python_version").asText()));
    facts.add(new Report.Fact("devices", Integer.toString(stats.path("devices").size())));
    facts.add(new Report.Fact("first device", first.path("name").asText()));
    facts.add(
        new Report.Fact(
            "GPU driver",
            stats.at("/system/gpu_driver").asText("none: no sensors of NVIDIA here")));
    facts.add(new Report.Fact("memory of a device", gigabytes(first.path("vram_total").asLong())));
    facts.add(new Report.Fact("RAM", gigabytes(stats.at("/system/ram_total").asLong())));
    boolean simulated = first.path("type").asText().equals("sim");
    if (simulated) {
      facts.add(new Report.Fact("note", "simulated devices: they wait and compute nothing"));
    }
    return simulated;
  }

  private static String gigabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
  }

  private void loadSpeed(int gpus, boolean simulated) {
    progress.accept("first prompt on each device");
    boolean fresh = Scrape.of(client).sum("quartet_model_loads_total") == 0;
    List<Double> first = new ArrayList<>();
    List<Double> resident = new ArrayList<>();
    for (int gpu = 0; gpu < gpus; gpu++) {
      first.add(load.burst(List.of(gpu)).seconds());
      settle();
      resident.add(Scrape.of(client).sum("quartet_process_resident_bytes"));
    }
    memory(resident, simulated, fresh);
    double warm = load.burst(List.of(0)).seconds();
    if (simulated || !fresh || gpus < 2) {
      String why =
          simulated
              ? "simulated devices load nothing"
              : gpus < 2 ? "one device alone" : "models were on the devices before";
      rows.add(new Report.Row("second load", Verdict.NOT_MEASURED, false, why));
      return;
    }
    double disk = Math.max(0, first.getFirst() - warm);
    double memory = Math.max(1e-3, first.get(1) - warm);
    row(
        "second load",
        disk / memory >= LOAD_SPEED_UP,
        false,
        String.format(
            Locale.ROOT,
            "first prompt %.2f s on GPU 0, %.2f s on GPU 1, later ones %.2f s: loading is %.1fx faster",
            first.getFirst(),
            first.get(1),
            warm,
            disk / memory));
  }

  private double ended(int gpu) {
    return Scrape.of(client).sum("quartet_prompts_total", "gpu", Integer.toString(gpu));
  }

  private void routing(int gpus) {
    progress.accept("routing");
    List<Double> before = new ArrayList<>();
    settle();
    for (int gpu = 0; gpu < gpus; gpu++) {
      before.add(ended(gpu));
    }
    List<@Nullable Integer> pinned = new ArrayList<>();
    for (int gpu = 0; gpu < gpus; gpu++) {
      pinned.addAll(Collections.nCopies(gpu + 1, gpu));
    }
    load.burst(pinned);
    settle();
    List<String> seen = new ArrayList<>();
    boolean right = true;
    for (int gpu = 0; gpu < gpus; gpu++) {
      double did = ended(gpu) - before.get(gpu);
      right &= did == gpu + 1;
      seen.add("GPU %d ran %.0f of %d".formatted(gpu, did, gpu + 1));
    }
    row("routing", right, true, String.join(", ", seen));
  }

  /** Figures are collected every two seconds. */
  private static void settle() {
    LockSupport.parkNanos(Duration.ofSeconds(5).toNanos());
  }

  private void isolation(int gpus) {
    progress.accept("isolation");
    if (gpus < 2) {
      rows.add(
          new Report.Row("isolation", Verdict.NOT_MEASURED, true, "there is one device alone"));
      return;
    }
    client.post("/queue/pause", Json.object());
    String seen;
    boolean apart;
    try {
      load.submit(Collections.nCopies(ISOLATED, 0));
      JsonNode queues = client.get("/queue/all").json().path("queues");
      int others = 0;
      for (int gpu = 1; gpu < gpus; gpu++) {
        others += count(queues.path(gpu));
      }
      apart = count(queues.path(0)) == ISOLATED && others == 0;
      seen =
          "%d prompts for GPU 0: %d in its queue, %d in the others'"
              .formatted(ISOLATED, count(queues.path(0)), others);
    } finally {
      client.post("/queue/resume", Json.object());
    }
    double other = load.burst(List.of(1)).seconds();
    int left = count(client.get("/queue/all").json().path("queues").path(0));
    row(
        "isolation",
        apart && left > 0,
        true,
        seen
            + String.format(
                Locale.ROOT,
                "; one for GPU 1 took %.2f s and ended while %d were left on GPU 0",
                other,
                left));
    drain();
  }

  private static int count(JsonNode queue) {
    return queue.path("running_count").asInt() + queue.path("pending_count").asInt();
  }

  private void drain() {
    long end = System.nanoTime() + DRAIN_PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      JsonNode all = client.get("/queue/all").json();
      if (all.path("total_running").asInt() + all.path("total_pending").asInt() == 0) {
        return;
      }
      LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
    }
  }

  private void throughput(int gpus) {
    progress.accept("throughput of one device");
    LoadRun.Burst one = load.burst(Collections.nCopies(perGpu, 0));
    double alone = one.pictures() / one.seconds() * 3600;
    bars.add(new Report.Bar("1 device", alone));
    if (gpus < 2) {
      rows.add(
          new Report.Row("throughput", Verdict.NOT_MEASURED, false, "there is one device alone"));
      return;
    }
    progress.accept("throughput of all");
    List<@Nullable Integer> all = new ArrayList<>();
    for (int i = 0; i < perGpu * gpus; i++) {
      all.add(i % gpus);
    }
    LoadRun.Burst many = load.burst(all);
    double together = many.pictures() / many.seconds() * 3600;
    bars.add(new Report.Bar(gpus + " devices", together));
    row(
        "throughput",
        together / alone >= SPEED_UP_SHARE * gpus,
        false,
        String.format(
            Locale.ROOT,
            "%.0f pictures/h on one, %.0f on %d: speed-up %.2f (at least %.2f); one prompt %s",
            alone,
            together,
            gpus,
            together / alone,
            SPEED_UP_SHARE * gpus,
            many.latencies()));
  }

  /**
   * What the process holds after the model has run on one device, and after it has on all.
   *
   * @param resident bytes after each device's first prompt
   */
  private void memory(List<Double> resident, boolean simulated, boolean fresh) {
    if (simulated || !fresh || resident.size() < 2) {
      String why =
          simulated
              ? "simulated devices hold no weights"
              : resident.size() < 2 ? "one device alone" : "models were on the devices before";
      rows.add(new Report.Row("RAM growth", Verdict.NOT_MEASURED, false, why));
      return;
    }
    double one = resident.getFirst();
    double all = resident.getLast();
    row(
        "RAM growth",
        all <= one * (1 + MAX_GROWTH),
        false,
        String.format(
            Locale.ROOT,
            "RSS %.0f MB when the model had run on GPU 0, %.0f MB when on all: %+.1f %% (under 10 %%)",
            one / 1e6,
            all / 1e6,
            (all / one - 1) * 100));
  }

  private void totals() {
    Scrape now = Scrape.of(client);
    double hours =
        (now.sum("quartet_process_clock_seconds") - now.sum("quartet_process_start_time_seconds"))
            / 3600;
    double all = now.sum("quartet_prompts_total");
    double good = now.sum("quartet_prompts_total", "outcome", "succeeded");
    facts.add(new Report.Fact("hours run", String.format(Locale.ROOT, "%.2f", hours)));
    facts.add(
        new Report.Fact(
            "out of memory", String.format(Locale.ROOT, "%.0f", now.sum("quartet_oom_total"))));
    row(
        "success rate",
        all > 0 && good == all,
        false,
        String.format(
            Locale.ROOT,
            "%.0f of %.0f prompts since the start succeeded (%.1f %%)",
            good,
            all,
            all == 0 ? 0 : good / all * 100));
  }
}
