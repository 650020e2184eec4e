package quartet.cluster.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.List;
import quartet.cluster.job.PromptJob;

/** Prompts for tests. */
final class Jobs {
  private Jobs() {}

  static PromptJob job(String id, double number) {
    return new PromptJob(
        id,
        number,
        JsonNodeFactory.instance.objectNode(),
        JsonNodeFactory.instance.objectNode(),
        List.of("9"),
        null,
        Instant.EPOCH);
  }
}
