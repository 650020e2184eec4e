package quartet.cluster.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
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
 * A device that does what a test says, by prompt id.
 *
 * @param work throws, or says how the prompt ends
 * @param save what is done then, and needs no device
 */
record FakeWorker(long bytes, Function<String, ExecutionOutcome> work, Consumer<String> save)
    implements Worker {
  static ExecutionOutcome success() {
    return new ExecutionOutcome.Succeeded(Map.of());
  }

  static ExecutionOutcome failed(ErrorKind kind) {
    return new ExecutionOutcome.Failed(
        Map.of(),
        "",
        "",
        kind,
        "made by the test",
        kind.name(),
        List.of(),
        List.of(),
        JsonNodeFactory.instance.objectNode());
  }

  static EngineException trouble(ErrorKind kind) {
    return new EngineException(
        new ErrorCode() {
          @Override
          public String name() {
            return "TEST_" + kind;
          }

          @Override
          public ErrorKind kind() {
            return kind;
          }
        },
        "made by the test");
  }

  @Override
  public Remainder<DeviceWorker.Result> begin(
      DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
    ExecutionOutcome computed = work.apply(job.promptId());
    return new Remainder.HostNodes<>(
        () -> {
          save.accept(job.promptId());
          return new DeviceWorker.Result(computed, 0);
        });
  }

  @Override
  public void warmUp() {}

  @Override
  public void clearCaches() {}

  @Override
  public void clearOutputs() {}

  @Override
  public List<Path> resident() {
    return List.of();
  }

  @Override
  public DeviceMemory memory() {
    return new DeviceMemory(bytes, bytes, 0, 0);
  }

  @Override
  public String description() {
    return "a fake";
  }

  @Override
  public void close() {}
}
