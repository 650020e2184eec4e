package quartet.api.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.wire.Json;
import quartet.api.wire.TargetGpu;

/** {@code quartet submit WORKFLOW.json}: posts a workflow to a running server. */
@CommandLine.Command(
    name = "submit",
    mixinStandardHelpOptions = true,
    description = "Posts a workflow to a running server and, if asked, waits for its pictures.")
final class SubmitCommand implements Callable<Integer> {
  private static final int FAILURE = 1;
  private static final Duration POLL = Duration.ofMillis(300);

  @CommandLine.Parameters(
      paramLabel = "WORKFLOW.json",
      description = "A workflow: in API form, as the editor saves it, or a PNG with one.")
  private Path workflow = Path.of("");

  @CommandLine.Option(
      names = "--set",
      paramLabel = "NODE.INPUT=VALUE",
      description = "Changes an input. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @CommandLine.Option(
      names = "--server",
      defaultValue = "http://127.0.0.1:8188",
      description = "Where the server is (default: ${DEFAULT-VALUE}).")
  private String server = "http://127.0.0.1:8188";

  @CommandLine.Option(names = "--gpu", description = "The device it must run on.")
  private @Nullable Integer gpu;

  @CommandLine.Option(names = "--wait", description = "Waits until it has ended.")
  private boolean wait;

  @Override
  public Integer call() {
    WorkflowFile.Content content = WorkflowFile.read(workflow);
    try (HttpCalls calls = new HttpCalls(server)) {
      ObjectNode body = Json.object();
      switch (content) {
        case WorkflowFile.Content.Prompt ready -> body.set("prompt", ready.nodes());
        case WorkflowFile.Content.Editor editor -> {
          // The server converts it: it knows its nodes.
          HttpCalls.Answer converted = calls.post("/workflow/convert", editor.workflow(), Map.of());
          if (converted.status() != 200 || !(converted.body() instanceof ObjectNode prompt)) {
            System.err.println(
                "quartet: the server cannot convert it (%d): %s"
                    .formatted(converted.status(), converted.body()));
            return FAILURE;
          }
          body.set("prompt", prompt);
          body.putObject("extra_data")
              .putObject("extra_pnginfo")
              .set("workflow", editor.workflow());
        }
      }
      WorkflowFile.changed((ObjectNode) body.get("prompt"), changes);
      HttpCalls.Answer answer =
          calls.post(
              "/prompt", body, gpu == null ? Map.of() : Map.of(TargetGpu.HEADER, gpu.toString()));
      if (answer.status() != 200) {
        System.err.println(
            "quartet: the server refused it (%d): %s".formatted(answer.status(), answer.body()));
        return FAILURE;
      }
      String promptId = answer.body().path("prompt_id").asText();
      System.out.println(promptId);
      return wait ? await(calls, promptId) : CommandLine.ExitCode.OK;
    }
  }

  private int await(HttpCalls calls, String promptId) {
    while (true) {
      JsonNode entry = calls.get("/history/" + promptId).body().path(promptId);
      if (!entry.isMissingNode()) {
        for (JsonNode shown : entry.path("outputs")) {
          for (JsonNode image : shown.path("images")) {
            System.out.println(
                "%s/view?filename=%s&subfolder=%s&type=%s"
                    .formatted(
                        server,
                        image.path("filename").asText(),
                        image.path("subfolder").asText(),
                        image.path("type").asText()));
          }
        }
        JsonNode status = entry.path("status");
        if (!status.path("completed").asBoolean()) {
          System.err.println("quartet: it did not succeed: " + status.path("messages"));
          return FAILURE;
        }
        return CommandLine.ExitCode.OK;
      }
      LockSupport.parkNanos(POLL.toNanos());
    }
  }
}
