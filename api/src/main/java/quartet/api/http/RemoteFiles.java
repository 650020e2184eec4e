package quartet.api.http;

import akka.http.javadsl.Http;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.Uri;
import akka.http.javadsl.model.headers.RawHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import quartet.cluster.fleet.NodeState;

/**
 * Pictures on other servers of the cluster, streamed through this one. The other server is asked
 * with the client's own key, so it shows what the client may see.
 */
final class RemoteFiles {
  /** Says that another server asks, which does not ask any further. */
  private static final String HOP = "X-Quartet-Hop";

  private static final Set<String> PASSED_ON = Set.of("authorization", "cookie", "range");

  private final ServerParts parts;

  RemoteFiles(ServerParts parts) {
    this.parts = parts;
  }

  CompletionStage<HttpResponse> view(String node, HttpRequest request) {
    if (request.getHeader(HOP).isPresent()) {
      return CompletableFuture.completedFuture(Replies.empty(StatusCodes.NOT_FOUND));
    }
    return ClusterRoutes.nodes(parts)
        .thenCompose(
            nodes -> {
              Optional<NodeState> there =
                  nodes.stream().filter(one -> one.node().equals(node)).findFirst();
              String http = there.map(NodeState::outlook).map(outlook -> outlook.http()).orElse("");
              boolean up =
                  there.filter(one -> Set.of("up", "leaving").contains(one.status())).isPresent();
              if (http.isEmpty() || !up) {
                return CompletableFuture.completedFuture(
                    away(node, there.map(NodeState::status).orElse("not in the cluster")));
              }
              return Http.get(parts.system())
                  .singleRequest(request(http, request))
                  .exceptionally(failure -> away(node, failure.toString()));
            });
  }

  private static HttpRequest request(String http, HttpRequest from) {
    List<HttpHeader> headers = new ArrayList<>();
    from.getHeaders()
        .forEach(
            header -> {
              if (PASSED_ON.contains(header.lowercaseName())) {
                headers.add(header);
              }
            });
    headers.add(RawHeader.create(HOP, "1"));
    Uri uri = Uri.create(http + "/view").rawQueryString(from.getUri().rawQueryString().orElse(""));
    return HttpRequest.GET(uri.toString()).withHeaders(headers);
  }

  private static HttpResponse away(String node, String why) {
    return Replies.text(
        StatusCodes.BAD_GATEWAY,
        "the picture is on server %s, which cannot be asked for it now: %s".formatted(node, why));
  }
}
