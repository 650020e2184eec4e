package quartet.api.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import quartet.api.wire.Json;
import quartet.errors.EngineException;

/**
 * What one server made of a list of prompts.
 *
 * @param version what it calls itself
 * @param devices their names
 * @param firstSeconds of one prompt before the others: models are loaded then
 * @param seconds from the first request to the last byte of the last picture
 * @param latencies from the first request to each prompt's last picture, of those that succeeded
 * @param results of each prompt, in the order of the seeds
 */
public record Side(
    String server,
    String version,
    List<String> devices,
    double firstSeconds,
    double seconds,
    Samples latencies,
    List<Made> results) {
  private static final int POSTERS = 8;
  private static final long PROMPT_MINUTES = 60;

  /** Copies the lists. */
  public Side {
    devices = List.copyOf(devices);
    results = List.copyOf(results);
  }

  /** What became of a prompt. */
  public sealed interface Made {
    /** Its pictures, as the server sent them. */
    record Pictures(List<byte[]> files) implements Made {
      /** Copies the list. */
      public Pictures {
        files = List.copyOf(files);
      }
    }

    /** It was refused, or failed. */
    record Failure(String reason) implements Made {}
  }

  /** Why prompts failed, each reason once. */
  public List<String> failures() {
    return results.stream()
        .filter(Made.Failure.class::isInstance)
        .map(one -> ((Made.Failure) one).reason())
        .distinct()
        .toList();
  }

  /** How many failed. */
  public long failed() {
    return results.stream().filter(Made.Failure.class::isInstance).count();
  }

  /** How many pictures came. */
  public int pictures() {
    return results.stream()
        .mapToInt(one -> one instanceof Made.Pictures p ? p.files().size() : 0)
        .sum();
  }

  /**
   * Runs the workflow once for each seed, all posted at the same time, after one more with a seed
   * of its own.
   */
  public static Side run(ServerClient client, ObjectNode workflow, List<Long> seeds) {
    JsonNode stats = client.get("/system_stats").json();
    List<String> devices = new ArrayList<>();
    stats.path("devices").forEach(device -> devices.add(device.path("name").asText()));
    try (PromptEnds ends = new PromptEnds(client);
        ExecutorService posters = Executors.newFixedThreadPool(POSTERS);
        ExecutorService fetchers = Executors.newVirtualThreadPerTaskExecutor()) {
      long before = System.nanoTime();
      var first = one(client, ends, workflow, seeds.getFirst() - 1, posters, fetchers);
      var _ = first.join();
      double firstSeconds = (System.nanoTime() - before) / 1e9;
      Samples latencies = new Samples();
      long start = System.nanoTime();
      List<CompletableFuture<Made>> all = new ArrayList<>();
      for (long seed : seeds) {
        all.add(
            one(client, ends, workflow, seed, posters, fetchers)
                .whenComplete(
                    (made, failure) -> {
                      if (made instanceof Made.Pictures) {
                        latencies.add((System.nanoTime() - start) / 1e6);
                      }
                    }));
      }
      List<Made> results = all.stream().map(CompletableFuture::join).toList();
      return new Side(
          client.server(),
          version(stats),
          devices,
          firstSeconds,
          (System.nanoTime() - start) / 1e9,
          latencies,
          results);
    }
  }

  private static String version(JsonNode stats) {
    String ours = stats.at("/system/quartet_version").asText();
    return ours.isEmpty()
        ? "ComfyUI " + stats.at("/system/comfyui_version").asText("of an unknown version")
        : "Quartet " + ours;
  }

  private static CompletableFuture<Made> one(
      ServerClient client,
      PromptEnds ends,
      ObjectNode workflow,
      long seed,
      ExecutorService posters,
      ExecutorService fetchers) {
    return CompletableFuture.supplyAsync(
            () -> post(client, ends.clientId(), Prompts.seeded(workflow, seed)), posters)
        .thenCompose(
            id ->
                ends.of(id)
                    .orTimeout(PROMPT_MINUTES, TimeUnit.MINUTES)
                    .<Made>thenApplyAsync(
                        success -> new Made.Pictures(Prompts.pictures(client, id, success)),
                        fetchers))
        .exceptionally(failure -> new Made.Failure(reason(failure)));
  }

  private static String post(ServerClient client, String clientId, ObjectNode prompt) {
    ObjectNode body = Json.object();
    body.set("prompt", prompt);
    ServerClient.Answer answer = client.post("/prompt", body.put("client_id", clientId));
    if (answer.status() != 200) {
      throw new EngineException(
          BenchError.PROMPT_FAILED,
          "refused (%d): %s".formatted(answer.status(), answer.json().path("error")));
    }
    return answer.json().path("prompt_id").asText();
  }

  private static String reason(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof EngineException known
        ? String.valueOf(known.getMessage())
        : "not ended, or lost: " + cause;
  }
}
