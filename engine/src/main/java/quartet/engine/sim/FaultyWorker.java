package quartet.engine.sim;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

/**
 * A worker that fails when a prompt tells it to, for trying out recovery: a text in the prompt says
 * {@code fault:oom}, {@code fault:driver}, {@code fault:sticky}, {@code fault:stuck} or {@code
 * fault:address} (a GPU's kernel writes where nothing is); with {@code -once} behind it only the
 * first time, however often processes are started in between. Only there when asked for.
 *
 * <p>Thread: the device's.
 */
public final class FaultyWorker implements Worker {
  private static final Pattern FAULT =
      Pattern.compile("fault:(oom|driver|sticky|stuck|address)(-once)?");

  /** Made on purpose. */
  private enum Fault implements ErrorCode {
    INJECTED_DRIVER_ERROR(ErrorKind.DEVICE),
    INJECTED_STICKY_FAULT(ErrorKind.DEVICE_LOST);

    private final ErrorKind kind;

    Fault(ErrorKind kind) {
      this.kind = kind;
    }

    @Override
    public ErrorKind kind() {
      return kind;
    }
  }

  private final Worker worker;
  private final Path markers;
  private final Runnable poison;

  /**
   * Wraps a worker.
   *
   * @param markers folder that remembers what has failed once
   * @param poison breaks the device for this process
   */
  public FaultyWorker(Worker worker, Path markers, Runnable poison) {
    this.worker = worker;
    this.markers = markers;
    this.poison = poison;
  }

  @Override
  public Remainder<DeviceWorker.Result> begin(
      DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
    String fault = fault(job).orElse("");
    return switch (fault) {
      case "oom" ->
          new Remainder.Nothing<>(
              new DeviceWorker.Result(
                  ExecutionOutcome.Failed.outsideNodes(
                      ErrorKind.OUT_OF_MEMORY, "out of memory, injected"),
                  1));
      case "driver" ->
          throw new EngineException(Fault.INJECTED_DRIVER_ERROR, "driver error, injected");
      case "sticky" ->
          throw new EngineException(Fault.INJECTED_STICKY_FAULT, "sticky fault, injected");
      case "stuck" -> hang();
      case "address" -> {
        poison.run();
        yield worker.begin(job, events);
      }
      default -> worker.begin(job, events);
    };
  }

  /** As a kernel that never ends: deaf to cancelling. */
  private static Remainder<DeviceWorker.Result> hang() {
    while (true) {
      LockSupport.park();
    }
  }

  private Optional<String> fault(DeviceWorker.Job job) {
    return job.plan().nodes().values().stream()
        .flatMap(node -> node.constants().values().stream())
        .filter(String.class::isInstance)
        .map(value -> FAULT.matcher((String) value))
        .filter(Matcher::find)
        .filter(found -> found.group(2) == null || firstTime(job.promptId()))
        .map(found -> found.group(1))
        .findFirst();
  }

  private boolean firstTime(String promptId) {
    try {
      Files.createDirectories(markers);
      Files.createFile(markers.resolve(promptId));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new IllegalStateException("cannot mark a fault in " + markers, e);
    }
  }

  @Override
  public void warmUp() {
    worker.warmUp();
  }

  @Override
  public void clearCaches() {
    worker.clearCaches();
  }

  @Override
  public void clearOutputs() {
    worker.clearOutputs();
  }

  @Override
  public List<Path> resident() {
    return worker.resident();
  }

  @Override
  public DeviceMemory memory() {
    return worker.memory();
  }

  @Override
  public String description() {
    return worker.description() + ", with injected faults";
  }

  @Override
  public void close() {
    worker.close();
  }
}
