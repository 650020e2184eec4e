package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import quartet.api.wire.Json;
import quartet.engine.graph.PromptError;
import quartet.engine.workflow.WorkflowConverter;
import quartet.errors.EngineException;

/**
 * {@code POST /workflow/convert}: a workflow as the editor saves it, bare or as {@code workflow},
 * becomes a prompt. One that is a prompt already comes back as it is.
 */
final class ConvertRoutes extends AllDirectives {
  private final WorkflowConverter converter;
  private final Executor blocking;
  private final Bodies bodies = new Bodies();

  ConvertRoutes(ServerParts parts) {
    this.converter = new WorkflowConverter(parts.registry(), parts.folders());
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return path(
        PathMatchers.segment("workflow").slash("convert"),
        () ->
            post(
                () ->
                    bodies.json(
                        json ->
                            completeWithFuture(
                                CompletableFuture.supplyAsync(() -> convert(json), blocking)))));
  }

  private HttpResponse convert(JsonNode json) {
    JsonNode workflow = json.path("workflow").isObject() ? json.path("workflow") : json;
    if (workflow instanceof ObjectNode prompt && isPrompt(prompt)) {
      return Replies.json(prompt);
    }
    try {
      return Replies.json(converter.convert(workflow));
    } catch (EngineException e) {
      return Replies.promptError(
          new PromptError(
              e.code().name().toLowerCase(Locale.ROOT),
              "The workflow cannot be converted",
              String.valueOf(e.getMessage())),
          Json.object());
    }
  }

  private static boolean isPrompt(ObjectNode json) {
    return !json.isEmpty()
        && json.properties().stream().allMatch(node -> node.getValue().has("class_type"));
  }
}
