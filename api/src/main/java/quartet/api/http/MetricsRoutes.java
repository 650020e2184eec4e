package quartet.api.http;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import akka.util.ByteString;
import quartet.api.telemetry.Telemetry;

/** {@code /metrics}, as Prometheus scrapes it. */
final class MetricsRoutes extends AllDirectives {
  private final Telemetry telemetry;

  MetricsRoutes(Telemetry telemetry) {
    this.telemetry = telemetry;
  }

  Route route() {
    return path("metrics", () -> get(() -> complete(answer())));
  }

  private HttpResponse answer() {
    return telemetry
        .scrape()
        .map(
            text ->
                HttpResponse.create()
                    .withEntity(
                        HttpEntities.create(
                            ContentTypes.parse("text/plain; version=0.0.4; charset=utf-8"),
                            ByteString.fromString(text))))
        .orElseGet(
            () ->
                Replies.text(
                    StatusCodes.NOT_FOUND,
                    "this server keeps no metrics: it was started with --no-metrics"));
  }
}
