package quartet.api.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/** {@code quartet queue}: what each device does. */
@CommandLine.Command(
    name = "queue",
    mixinStandardHelpOptions = true,
    description = "Shows what each device of a running server does.")
final class QueueCommand implements Callable<Integer> {
  @CommandLine.Option(
      names = "--server",
      defaultValue = "http://127.0.0.1:8188",
      description = "Where the server is (default: ${DEFAULT-VALUE}).")
  private String server = "http://127.0.0.1:8188";

  @Override
  public Integer call() {
    try (HttpCalls calls = new HttpCalls(server)) {
      for (JsonNode gpu : calls.get("/queue/all").body().path("queues")) {
        JsonNode running = gpu.path("queue_running").path(0).path(1);
        System.out.println(
            "GPU %d: %s, %d pending"
                .formatted(
                    gpu.path("gpu_id").asInt(),
                    running.isMissingNode() ? "idle" : "running " + running.asText(),
                    gpu.path("pending_count").asInt()));
        for (JsonNode pending : gpu.path("queue_pending")) {
          System.out.println("    " + pending.path(1).asText());
        }
      }
    }
    return CommandLine.ExitCode.OK;
  }
}
