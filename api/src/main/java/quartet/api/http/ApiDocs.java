package quartet.api.http;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import quartet.api.wire.Json;

/**
 * {@code /openapi.json}: all routes as an OpenAPI 3.1 document, and {@code /api-docs}: the same to
 * read. The document stands in {@code openapi.json} among the resources; a test compares it with
 * what the server answers.
 */
final class ApiDocs extends AllDirectives {
  private static final String DOCUMENT = "/quartet/openapi.json";
  private static final String PAGE = "/quartet/page/api-docs.html";

  private final byte[] document;
  private final byte[] page = ServerRoutes.resource(PAGE);

  ApiDocs(String version) {
    try {
      ObjectNode json = (ObjectNode) Json.parse(ServerRoutes.resource(DOCUMENT));
      ((ObjectNode) json.get("info")).put("version", version);
      document = Json.bytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the jar's openapi.json is no JSON", e);
    }
  }

  Route route() {
    return concat(
        path(
            "openapi.json",
            () ->
                get(
                    () ->
                        complete(
                            HttpResponse.create()
                                .withEntity(
                                    HttpEntities.create(
                                        ContentTypes.APPLICATION_JSON, document))))),
        path(PathMatchers.segment("api-docs"), () -> get(() -> complete(html()))));
  }

  private HttpResponse html() {
    return HttpResponse.create()
        .withEntity(HttpEntities.create(ContentTypes.TEXT_HTML_UTF8, page))
        .addHeader(
            RawHeader.create(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
                    + " connect-src 'self'"));
  }
}
