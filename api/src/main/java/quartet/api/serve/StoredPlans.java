package quartet.api.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.job.PromptJob;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;

/** Plans of prompts that have waited: models may have been removed since they were accepted. */
record StoredPlans(GraphValidator validator) implements GpuSettings.Planner {
  @Override
  public Optional<ExecutionPlan> plan(PromptJob job) {
    return validate(job) instanceof Validation.Ready ready
        ? Optional.of(ready.plan())
        : Optional.empty();
  }

  @Override
  public String whyNot(PromptJob job) {
    List<String> reasons = new ArrayList<>();
    for (Map.Entry<String, JsonNode> node : validate(job).nodeErrors().properties()) {
      for (JsonNode error : node.getValue().path("errors")) {
        reasons.add(
            "node %s (%s): %s"
                .formatted(
                    node.getKey(),
                    node.getValue().path("class_type").asText(),
                    error.path("details").asText()));
      }
    }
    return reasons.isEmpty()
        ? "what it names was gone for a moment; post it again."
        : String.join("; ", reasons) + ". Bring back what is gone, and post it again.";
  }

  private Validation validate(PromptJob job) {
    return validator.validate(job.prompt(), Set.copyOf(job.outputs()));
  }
}
