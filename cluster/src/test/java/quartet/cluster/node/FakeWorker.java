package quartet.cluster.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import quartet.cluster.gpu.QuietWorker;
import quartet.engine.device.DeviceWorker;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

/**
 * A device that does what a test says, by prompt id.
 *
 * @param work throws, or says how the prompt ends
 * @param save what is done then, and needs no device
 */
record FakeWorker(long bytes, Function<String, ExecutionOutcome> work, Consumer<String> save)
    implements QuietWorker {
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
  public DeviceMemory memory() {
    return new DeviceMemory(bytes, bytes, 0, 0);
  }
}
