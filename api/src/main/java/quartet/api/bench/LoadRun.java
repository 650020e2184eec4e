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
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.errors.EngineException;

/**
 * Puts load on a server and times it from outside: from the first request to the last byte of the
 * last picture. Every prompt gets seeds of its own, so that nothing comes out of a cache.
 */
public final class LoadRun implements AutoCloseable {
  private static final int POSTERS = 8;
  private static final long PROMPT_MINUTES = 60;

  private final ServerClient client;
  private final ObjectNode workflow;
  private final AtomicLong seeds = new AtomicLong(System.nanoTime() & 0xFFFF_FFFFL);
  private final PromptEnds ends;

  /** Load made of this workflow. */
  public LoadRun(ServerClient client, ObjectNode workflow) {
    this.client = client;
    this.workflow = workflow;
    this.ends = new PromptEnds(client);
  }

  /**
   * What a burst took.
   *
   * @param seconds from the first request to the last byte of the last picture
   * @param postingSeconds until all were accepted
   * @param pictures that were fetched
   * @param latencies of each prompt, from the burst's first request to its own last picture
   */
  public record Burst(
      int prompts, double seconds, double postingSeconds, int pictures, Samples latencies) {}

  /** A request with seeds of its own. */
  private ObjectNode request(@Nullable Integer gpu) {
    ObjectNode body = Json.object();
    body.set("prompt", Prompts.seeded(workflow, seeds.incrementAndGet()));
    body.put("client_id", ends.clientId());
    if (gpu != null) {
      body.putObject("extra_data").put("gpu", gpu);
    }
    return body;
  }

  /** Posts one; fails with the server's words if it is refused. */
  private ServerClient.Answer post(@Nullable Integer gpu) {
    ServerClient.Answer answer = client.post("/prompt", request(gpu));
    if (answer.status() != 200) {
      throw new EngineException(
          BenchError.PROMPT_FAILED,
          "the server refused a prompt (%d): %s".formatted(answer.status(), answer.json()));
    }
    return answer;
  }

  /**
   * Posts prompts at the same time and waits for all pictures.
   *
   * @param gpus the device of each prompt; null entries are left to the server
   */
  public Burst burst(List<@Nullable Integer> gpus) {
    long start = System.nanoTime();
    List<CompletableFuture<Integer>> all = new ArrayList<>();
    Samples latencies = new Samples();
    AtomicLong lastAccepted = new AtomicLong(start);
    try (ExecutorService posters = Executors.newFixedThreadPool(POSTERS);
        ExecutorService fetchers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Integer gpu : gpus) {
        all.add(
            CompletableFuture.supplyAsync(() -> post(gpu), posters)
                .thenCompose(
                    answer -> {
                      lastAccepted.accumulateAndGet(System.nanoTime(), Math::max);
                      String id = answer.json().path("prompt_id").asText();
                      return ends.of(id)
                          .thenApplyAsync(
                              success -> {
                                ends.forget(id);
                                int pictures = Prompts.pictures(client, id, success).size();
                                latencies.add((System.nanoTime() - start) / 1e6);
                                return pictures;
                              },
                              fetchers);
                    }));
      }
      int pictures = all.stream().mapToInt(LoadRun::join).sum();
      return new Burst(
          gpus.size(),
          (System.nanoTime() - start) / 1e9,
          (lastAccepted.get() - start) / 1e9,
          pictures,
          latencies);
    }
  }

  private static int join(CompletableFuture<Integer> one) {
    try {
      return one.orTimeout(PROMPT_MINUTES, TimeUnit.MINUTES).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof EngineException known) {
        throw known;
      }
      throw e.getCause() instanceof TimeoutException
          ? new EngineException(
              BenchError.PROMPT_FAILED,
              "a prompt did not end within %d minutes".formatted(PROMPT_MINUTES))
          : e;
    }
  }

  /** Posts prompts and waits for none of them. */
  public void submit(List<@Nullable Integer> gpus) {
    gpus.forEach(this::post);
  }

  /** Waits from acceptance to start of prompts that find the server idle, by the server's clock. */
  public Samples idleWaits(int prompts) {
    Samples waits = new Samples();
    for (int i = 0; i < prompts; i++) {
      String id = post(null).json().path("prompt_id").asText();
      if (!ends.of(id).join()) {
        throw new EngineException(BenchError.PROMPT_FAILED, "prompt " + id + " failed");
      }
      JsonNode entry = client.get("/history/" + id).json().path(id);
      long created = entry.at("/prompt/3/create_time").asLong();
      for (JsonNode message : entry.at("/status/messages")) {
        if (message.path(0).asText().equals("execution_start")) {
          waits.add(message.path(1).path("timestamp").asDouble() - created);
        }
      }
    }
    return waits;
  }

  /**
   * How a server answers with many prompts waiting.
   *
   * @param filling the posts that filled the queue, {@value #POSTERS} at a time
   * @param post further posts, one at a time
   */
  public record Full(int queued, Samples filling, Samples post, Samples queueAll, Samples cancel) {}

  /** Pauses the server, fills its queue, measures, empties it and resumes. */
  public Full full(int queued, int calls) {
    client.post("/queue/pause", Json.object());
    try {
      Samples filling = new Samples();
      List<CompletableFuture<Void>> posts = new ArrayList<>();
      try (ExecutorService posters = Executors.newFixedThreadPool(POSTERS)) {
        for (int i = 0; i < queued; i++) {
          posts.add(CompletableFuture.runAsync(() -> filling.add(post(null).millis()), posters));
        }
      }
      posts.forEach(CompletableFuture::join);
      Samples post = new Samples();
      Samples queueAll = new Samples();
      Samples cancel = new Samples();
      for (int i = 0; i < calls; i++) {
        ServerClient.Answer accepted = post(null);
        post.add(accepted.millis());
        queueAll.add(client.get("/queue/all").millis());
        ObjectNode body = Json.object();
        body.putArray("delete").add(accepted.json().path("prompt_id").asText());
        cancel.add(client.post("/queue", body).millis());
      }
      int waiting = client.get("/queue/all").json().path("total_pending").asInt();
      return new Full(waiting, filling, post, queueAll, cancel);
    } finally {
      client.post("/queue", Json.object().put("clear", true));
      client.post("/queue/resume", Json.object());
    }
  }

  @Override
  public void close() {
    ends.close();
  }
}
