package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import quartet.cluster.node.RouterProtocol;

/** Prompts that are posted on one server and run on another: messages and their answers. Pure. */
final class Posts {
  /** Larger prompts stay where they were posted: messages between servers are bounded. */
  private static final int MAX_LENGTH = 600_000;

  private Posts() {}

  /** Whether a prompt needs files that only the server has to which they were uploaded. */
  static boolean usesFiles(RouterProtocol.Submit request) {
    for (JsonNode node : request.prompt()) {
      String type = node.path("class_type").asText();
      if (type.startsWith("Load") && (type.contains("Image") || type.contains("Latent"))) {
        return true;
      }
    }
    return false;
  }

  static boolean fits(RouterProtocol.Submit request) {
    return request.prompt().toString().length() + request.extraData().toString().length()
        <= MAX_LENGTH;
  }

  static FleetMessage.Post message(
      RouterProtocol.Submit request, long counter, ActorRef<FleetMessage.Posted> replyTo) {
    return new FleetMessage.Post(
        request.promptId(),
        request.prompt(),
        request.extraData(),
        request.outputs(),
        request.checkpoints(),
        request.clientId(),
        request.gpuId(),
        request.number(),
        request.front(),
        counter,
        replyTo);
  }

  static RouterProtocol.Submit request(
      FleetMessage.Post post, ActorRef<RouterProtocol.SubmitReply> replyTo) {
    return new RouterProtocol.Submit(
        post.promptId(),
        post.prompt(),
        post.extraData(),
        post.outputs(),
        post.checkpoints(),
        post.clientId(),
        post.gpuId(),
        post.number(),
        post.front(),
        replyTo);
  }

  static FleetMessage.Posted answer(RouterProtocol.SubmitReply reply) {
    return switch (reply) {
      case RouterProtocol.Accepted accepted ->
          posted("accepted", accepted.promptId(), accepted.number(), "");
      case RouterProtocol.QueueFull full ->
          new FleetMessage.Posted(
              "full",
              "",
              0,
              full.gpuId(),
              full.waiting(),
              full.expectedWait().toMillis(),
              full.retryAfter().toMillis(),
              List.of(),
              "");
      case RouterProtocol.Draining ignored -> posted("draining", "", 0, "");
      case RouterProtocol.NoSuchGpu none ->
          new FleetMessage.Posted("no_gpu", "", 0, none.gpuId(), 0, 0, 0, none.gpus(), "");
      case RouterProtocol.NoSuchNode none -> posted("draining", "", 0, none.node());
      case RouterProtocol.IdTaken taken -> posted("id_taken", taken.promptId(), 0, "");
      case RouterProtocol.StorageAway away -> posted("storage_away", "", 0, away.reason());
    };
  }

  private static FleetMessage.Posted posted(
      String kind, String promptId, double number, String reason) {
    return new FleetMessage.Posted(kind, promptId, number, null, 0, 0, 0, List.of(), reason);
  }

  static RouterProtocol.SubmitReply reply(FleetMessage.Posted answer) {
    Integer gpuId = answer.gpuId();
    return switch (answer.kind()) {
      case "accepted" -> new RouterProtocol.Accepted(answer.promptId(), answer.number());
      case "full" ->
          new RouterProtocol.QueueFull(
              gpuId,
              answer.waiting(),
              Duration.ofMillis(answer.expectedWaitMillis()),
              Duration.ofMillis(answer.retryAfterMillis()));
      case "no_gpu" -> new RouterProtocol.NoSuchGpu(gpuId == null ? -1 : gpuId, answer.gpus());
      case "id_taken" -> new RouterProtocol.IdTaken(answer.promptId());
      case "storage_away" -> new RouterProtocol.StorageAway(answer.reason());
      default -> new RouterProtocol.Draining();
    };
  }
}
