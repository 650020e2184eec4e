package quartet.api.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.wire.Json;
import quartet.cluster.job.OutcomeCodec;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

/**
 * Stands for a device in a process of its own. Whatever happens to that process (a sticky fault, a
 * crash in a driver, kill -9) is an error of this worker and of nothing else; the device's actor
 * then makes a new one, and so a new process. Weights are mapped files: the processes share them
 * through the page cache.
 *
 * <p>Owner: of the process. Thread: the device's, but for {@link #abandon} and {@link #memory}.
 */
public final class ProcessWorker implements Worker {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessWorker.class);
  private static final long CANCEL_LOOK_NANOS = 20_000_000;
  private static final long END_SECONDS = 10;

  private final int gpuId;
  private final Process process;
  private final OutputStream in;
  private final BufferedReader out;
  private final String description;
  private volatile DeviceMemory memory = new DeviceMemory(-1, -1, 0, 0);
  private List<Path> resident = List.of();

  /**
   * Starts the process and waits until its device is open.
   *
   * @param command the JVM, its options and arguments
   * @throws EngineException if it does not come up
   */
  public ProcessWorker(int gpuId, List<String> command) {
    this.gpuId = gpuId;
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw new EngineException(
          IsolationError.PROCESS_NOT_STARTED,
          "The process of GPU %d cannot be started: %s".formatted(gpuId, e.getMessage()),
          e);
    }
    in = process.getOutputStream();
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    description = answer(event -> {}, () -> {}).path("description").asText();
    LOG.info("🧱 [GPU {}] runs in process {}: {}", gpuId, process.pid(), description);
  }

  @Override
  public Remainder<DeviceWorker.Result> begin(
      DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
    ObjectNode message = Json.object().put("do", "run").put("prompt_id", job.promptId());
    message.set("prompt", job.plan().prompt());
    message.set("extra_pnginfo", job.extraPngInfo());
    job.plan().outputs().forEach(message.putArray("outputs")::add);
    AtomicBoolean over = new AtomicBoolean();
    Thread canceller =
        Thread.ofVirtual().name("cancel-gpu-" + gpuId).start(() -> passOn(job.cancel(), over));
    JsonNode answer;
    try {
      send(message);
      answer = answer(events, job.cancel()::asked);
    } finally {
      over.set(true);
      LockSupport.unpark(canceller);
    }
    if (!(answer.get("outcome") instanceof ObjectNode json)) {
      throw new EngineException(
          IsolationError.PROCESS_FAILED,
          "the process of GPU %d gave no outcome: %s".formatted(gpuId, answer));
    }
    ExecutionOutcome outcome = OutcomeCodec.read(json);
    if (outcome instanceof ExecutionOutcome.Failed failed
        && failed.kind() == ErrorKind.DEVICE_LOST) {
      throw new EngineException(IsolationError.PROCESS_FAILED, failed.message());
    }
    return new Remainder.Nothing<>(
        new DeviceWorker.Result(outcome, answer.path("out_of_memory").asInt()));
  }

  /** Asks now and then, since a token tells nobody; says so once. */
  private void passOn(CancelToken cancel, AtomicBoolean over) {
    while (!over.get()) {
      if (cancel.isCancelled()) {
        try {
          send(Json.object().put("do", "cancel"));
        } catch (EngineException e) {
          LOG.debug("cancelling on GPU {}: {}", gpuId, e.getMessage());
        }
        return;
      }
      LockSupport.parkNanos(CANCEL_LOOK_NANOS);
    }
  }

  private synchronized void send(ObjectNode message) {
    try {
      in.write(Json.bytes(message));
      in.write('\n');
      in.flush();
    } catch (IOException e) {
      throw ended(e);
    }
  }

  /** Reads events until an answer comes, with what the device holds. */
  private JsonNode answer(Consumer<ExecutionEvent> events, Runnable alive) {
    try {
      while (true) {
        String line = out.readLine();
        if (line == null) {
          throw ended(null);
        }
        JsonNode message = Json.parse(line.getBytes(StandardCharsets.UTF_8));
        ExecutionEvent event = EventJson.event(message);
        if (event != null) {
          events.accept(event);
        } else if (message.has(WorkerProcess.ALIVE)) {
          alive.run();
        } else if (message.has("failed")) {
          throw new EngineException(IsolationError.PROCESS_FAILED, message.path("failed").asText());
        } else {
          holds(message);
          return message;
        }
      }
    } catch (IOException e) {
      throw ended(e);
    }
  }

  private void holds(JsonNode message) {
    List<Path> files = new ArrayList<>();
    message.path("resident").forEach(file -> files.add(Path.of(file.asText())));
    resident = List.copyOf(files);
    JsonNode bytes = message.path("memory");
    memory =
        new DeviceMemory(
            bytes.path(0).asLong(),
            bytes.path(1).asLong(),
            bytes.path(2).asLong(),
            bytes.path(3).asLong());
  }

  private EngineException ended(@org.jspecify.annotations.Nullable IOException cause) {
    String how = "is still there";
    try {
      if (process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        how = "ended with code " + process.exitValue();
      } else {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new EngineException(
        IsolationError.PROCESS_ENDED,
        "the process of GPU %d does not answer: it %s".formatted(gpuId, how),
        cause);
  }

  private void ask(ObjectNode message) {
    send(message);
    answer(event -> {}, () -> {});
  }

  @Override
  public void warmUp() {
    ask(Json.object().put("do", "warm-up"));
  }

  @Override
  public void clearCaches() {
    ask(Json.object().put("do", "clear").put("models", true));
  }

  @Override
  public void clearOutputs() {
    ask(Json.object().put("do", "clear").put("models", false));
  }

  @Override
  public List<Path> resident() {
    return resident;
  }

  @Override
  public DeviceMemory memory() {
    return memory;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public boolean abandon() {
    process.destroyForcibly();
    return true;
  }

  @Override
  public void close() {
    try {
      in.close(); // the child ends when its input does
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
