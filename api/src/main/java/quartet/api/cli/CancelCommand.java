package quartet.api.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import quartet.api.wire.Json;

/** {@code quartet cancel ID}: takes a prompt out of the queue, or stops it. */
@CommandLine.Command(
    name = "cancel",
    mixinStandardHelpOptions = true,
    description = "Takes a prompt out of the queue, or stops it if it runs.")
final class CancelCommand implements Callable<Integer> {
  @CommandLine.Parameters(paramLabel = "ID", description = "The prompt's id.")
  private String promptId = "";

  @CommandLine.Option(
      names = "--server",
      defaultValue = "http://127.0.0.1:8188",
      description = "Where the server is (default: ${DEFAULT-VALUE}).")
  private String server = "http://127.0.0.1:8188";

  @Override
  public Integer call() {
    ObjectNode delete = Json.object();
    delete.putArray("delete").add(promptId);
    try (HttpCalls calls = new HttpCalls(server)) {
      calls.post("/queue", delete, Map.of());
      calls.post("/interrupt", Json.object().put("prompt_id", promptId), Map.of());
    }
    return CommandLine.ExitCode.OK;
  }
}
