package quartet.api.isolation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.wire.Json;
import quartet.cluster.job.OutcomeCodec;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

/**
 * The child's side of {@link ProcessWorker}: reads messages until its input ends, and so ends with
 * its parent. A fault that only a new process heals ends it at once.
 */
public final class WorkerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);
  private static final long ALIVE_NANOS = Duration.ofSeconds(1).toNanos();

  /** Key of a message that says nothing else. */
  static final String ALIVE = "alive";

  private final DeviceThread device;
  private final GraphValidator validator;
  private final PrintStream out;
  private volatile boolean cancelled;

  /**
   * A process around a device.
   *
   * @param out where messages go; nothing else may write there
   */
  public WorkerProcess(DeviceThread device, GraphValidator validator, PrintStream out) {
    this.device = device;
    this.validator = validator;
    this.out = out;
  }

  /** Serves until the input ends. */
  public void serve(BufferedReader in) throws IOException {
    later(worker -> Json.object().put("description", worker.description()));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode message;
      try {
        message = Json.parse(line.getBytes(StandardCharsets.UTF_8));
      } catch (JsonProcessingException e) {
        LOG.error("a message from the server's process is no JSON: {}", line);
        return;
      }
      switch (message.path("do").asText()) {
        case "run" -> {
          cancelled = false;
          later(worker -> run(worker, message));
        }
        case "cancel" -> cancelled = true;
        case "warm-up" ->
            later(
                worker -> {
                  worker.warmUp();
                  return Json.object();
                });
        case "clear" ->
            later(
                worker -> {
                  if (message.path("models").asBoolean()) {
                    worker.clearCaches();
                  } else {
                    worker.clearOutputs();
                  }
                  return Json.object();
                });
        default -> LOG.error("a message from the server's process is not understood: {}", line);
      }
    }
    cancelled = true; // whatever runs is for a server that is gone
  }

  private interface Work {
    ObjectNode with(Worker worker);
  }

  private void later(Work work) {
    device
        .submit(
            worker -> {
              ObjectNode answer = work.with(worker);
              DeviceMemory memory = worker.memory();
              answer
                  .putArray("memory")
                  .add(memory.totalBytes())
                  .add(memory.freeBytes())
                  .add(memory.scopeBytes())
                  .add(memory.parameterBytes());
              worker.resident().forEach(file -> answer.withArray("resident").add(file.toString()));
              say(answer);
              return true;
            })
        .exceptionally(
            failure -> {
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              LOG.error("the device failed", cause);
              String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
              say(Json.object().put("failed", why));
              if (cause instanceof EngineException known && known.kind() == ErrorKind.DEVICE_LOST) {
                Runtime.getRuntime().halt(quartet.api.serve.LastResort.EXIT_CODE);
              }
              return false;
            });
  }

  private ObjectNode run(Worker worker, JsonNode message) {
    Set<String> outputs = new LinkedHashSet<>();
    message.path("outputs").forEach(id -> outputs.add(id.asText()));
    Validation validation =
        validator.validate((ObjectNode) message.path("prompt"), Set.copyOf(outputs));
    ObjectNode answer = Json.object();
    if (!(validation instanceof Validation.Ready ready)) {
      answer.set(
          "outcome",
          OutcomeCodec.json(
              ExecutionOutcome.Failed.outsideNodes(
                  ErrorKind.INPUT,
                  "The device's process cannot run this prompt: " + validation.nodeErrors())));
      return answer;
    }
    ObjectNode info =
        message.get("extra_pnginfo") instanceof ObjectNode given ? given : Json.object();
    Consumer<quartet.engine.exec.ExecutionEvent> events = event -> say(EventJson.json(event));
    DeviceWorker.Result result =
        worker.run(
            new DeviceWorker.Job(
                message.path("prompt_id").asText(), ready.plan(), info, new Token()),
            events);
    answer.set("outcome", OutcomeCodec.json(result.outcome()));
    return answer.put("out_of_memory", result.outOfMemory());
  }

  /** Passes signs of life on, not too many. */
  private final class Token implements CancelToken {
    private long said = System.nanoTime();

    @Override
    public boolean isCancelled() {
      return cancelled;
    }

    @Override
    public void asked() {
      long now = System.nanoTime();
      if (now - said > ALIVE_NANOS) {
        said = now;
        say(Json.object().put(ALIVE, true));
      }
    }
  }

  private synchronized void say(ObjectNode message) {
    byte[] bytes = Json.bytes(message);
    out.write(bytes, 0, bytes.length);
    out.write('\n');
    out.flush();
  }
}
