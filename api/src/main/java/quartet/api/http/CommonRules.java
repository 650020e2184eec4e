package quartet.api.http;

import akka.http.javadsl.coding.Coder;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.ExceptionHandler;
import akka.http.javadsl.server.MethodRejection;
import akka.http.javadsl.server.RejectionHandler;
import akka.http.javadsl.server.Route;
import akka.http.scaladsl.model.EntityStreamSizeException;
import akka.http.scaladsl.model.IllegalRequestException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.auth.Principal;
import quartet.errors.EngineException;

/**
 * What holds for every route: who may ask (origin, CORS), how large a body may be, what an unknown
 * path or a wrong method gets, how long an answer may be kept, and compression.
 */
final class CommonRules extends AllDirectives {
  private static final Logger LOG = LoggerFactory.getLogger(CommonRules.class);
  private static final String KEEP_A_DAY = "public, max-age=86400";
  private static final String KEEP_AN_HOUR = "public, max-age=3600";
  private static final int MAX_CAUSES = 10;

  /** A body this many times too large is not worth reading away. */
  private static final int DRAINED_TIMES = 4;

  private final WebOptions web;
  private final long maxBodyBytes;
  private final AccessCheck access;

  CommonRules(WebOptions web, long maxBodyBytes) {
    this.web = web;
    this.maxBodyBytes = maxBodyBytes;
    this.access = new AccessCheck(web.keys(), web.frontEndRoot() == null);
  }

  /** The given routes under these rules; always answers. */
  Route around(Route routes) {
    Route sealed = withSizeLimit(maxBodyBytes, () -> routes).seal(rejections(), failures());
    return extractRequest(
        request ->
            mapResponse(answer -> finished(request, answer), () -> checked(request, sealed)));
  }

  private Route checked(HttpRequest request, Route routes) {
    boolean allowed =
        web.corsOrigin() != null
            || OriginCheck.allows(header(request, "host"), header(request, "origin"));
    if (!allowed) {
      return complete(
          Replies.text(
              StatusCodes.FORBIDDEN,
              "this page's origin is not this server; scripts send no Origin header"));
    }
    if (request.method().equals(HttpMethods.OPTIONS)) {
      return complete(Replies.empty(StatusCodes.OK));
    }
    return switch (access.decide(request)) {
      case AccessCheck.Refused refused -> complete(refused.answer());
      case AccessCheck.Allowed allowedTo -> {
        long length = request.entity().getContentLengthOption().orElse(0);
        yield length > maxBodyBytes
            ? tooLarge(request, length)
            : mapRequest(asked -> asked.addAttribute(Principal.KEY, allowedTo.who()), () -> routes);
      }
    };
  }

  /** The body is read away first: a client that is still sending would not see the answer. */
  private Route tooLarge(HttpRequest request, long length) {
    if (length / DRAINED_TIMES > maxBodyBytes) {
      return complete(tooLarge());
    }
    return extractMaterializer(
        materializer ->
            completeWithFuture(
                request
                    .entity()
                    .withoutSizeLimit()
                    .discardBytes(materializer)
                    .completionStage()
                    .thenApply(done -> tooLarge())));
  }

  private HttpResponse tooLarge() {
    return Replies.text(
        StatusCodes.CONTENT_TOO_LARGE,
        "the body is larger than %d bytes (--max-upload-size)".formatted(maxBodyBytes));
  }

  private HttpResponse finished(HttpRequest request, HttpResponse answer) {
    HttpResponse dressed =
        access.remember(request, withCacheHeader(request.getUri().path(), withCorsHeaders(answer)));
    return web.compress() ? compressed(request, dressed) : dressed;
  }

  private HttpResponse withCorsHeaders(HttpResponse answer) {
    @Nullable String origin = web.corsOrigin();
    return origin == null
        ? answer
        : answer
            .addHeader(RawHeader.create("Access-Control-Allow-Origin", origin))
            .addHeader(
                RawHeader.create(
                    "Access-Control-Allow-Methods", "POST, GET, DELETE, PUT, OPTIONS, PATCH"))
            .addHeader(
                RawHeader.create(
                    "Access-Control-Allow-Headers",
                    "Content-Type, Authorization, Comfy-User, X-TARGET-GPU"))
            .addHeader(RawHeader.create("Access-Control-Allow-Credentials", "true"));
  }

  private static HttpResponse withCacheHeader(String path, HttpResponse answer) {
    @Nullable String rule = cacheRule(path.toLowerCase(Locale.ROOT), answer.status().intValue());
    return rule == null || answer.getHeader("Cache-Control").isPresent()
        ? answer
        : answer.addHeader(RawHeader.create("Cache-Control", rule));
  }

  static @Nullable String cacheRule(String path, int status) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    if ((name.contains(".") && List.of("js", "mjs", "css").contains(ContentKinds.suffix(name)))
        || (name.startsWith("index") && name.endsWith(".json"))) {
      return "no-cache";
    }
    if (!name.contains(".") || !ContentKinds.isImage(name)) {
      return null;
    }
    return switch (status) {
      case 200 -> KEEP_A_DAY;
      case 404 -> KEEP_AN_HOUR;
      case 302, 303, 307 -> "no-cache";
      default -> null;
    };
  }

  private static HttpResponse compressed(HttpRequest request, HttpResponse answer) {
    boolean text =
        answer.entity().getContentType().equals(ContentTypes.APPLICATION_JSON)
            || answer.entity().getContentType().mediaType().isText();
    String accepted = header(request, "accept-encoding");
    return text
            && accepted != null
            && accepted.contains("gzip")
            && answer.getHeader("Content-Encoding").isEmpty()
        ? Coder.Gzip.encodeMessage(answer)
        : answer;
  }

  private RejectionHandler rejections() {
    return RejectionHandler.newBuilder()
        .handleAll(
            MethodRejection.class,
            rejected -> {
              String allowed =
                  rejected.stream()
                      .map(one -> one.supported().value())
                      .distinct()
                      .collect(Collectors.joining(", "));
              return complete(
                  Replies.text(StatusCodes.METHOD_NOT_ALLOWED, "405: Method Not Allowed")
                      .addHeader(RawHeader.create("Allow", allowed)));
            })
        .handleNotFound(complete(Replies.text(StatusCodes.NOT_FOUND, "404: Not Found")))
        .build()
        .withFallback(RejectionHandler.defaultHandler());
  }

  private ExceptionHandler failures() {
    return ExceptionHandler.newBuilder()
        .match(
            TimeoutException.class,
            failure -> {
              LOG.error("a request was not answered in time: {}", failure.getMessage());
              return complete(
                  Replies.text(
                          StatusCodes.SERVICE_UNAVAILABLE,
                          "the server is too busy to answer, or is about to end; ask again")
                      .addHeader(RawHeader.create("Retry-After", "5")));
            })
        .match(
            RuntimeException.class,
            failure -> {
              if (isTooLarge(failure)) {
                return complete(tooLarge());
              }
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              if (cause instanceof EngineException known) {
                switch (known.kind()) {
                  case INPUT -> {
                    return complete(
                        Replies.text(StatusCodes.BAD_REQUEST, String.valueOf(known.getMessage())));
                  }
                  case NOT_FOUND -> {
                    return complete(
                        Replies.text(StatusCodes.NOT_FOUND, String.valueOf(known.getMessage())));
                  }
                  case BUSY,
                      OUT_OF_MEMORY,
                      DEVICE,
                      DEVICE_LOST,
                      STORAGE,
                      INTERRUPTED,
                      INTERNAL -> {}
                }
              }
              if (cause instanceof IllegalRequestException) {
                return complete(
                    Replies.text(
                        StatusCodes.BAD_REQUEST,
                        "the request cannot be read: " + failure.getMessage()));
              }
              LOG.error("a request failed", failure);
              return complete(
                  Replies.text(StatusCodes.INTERNAL_SERVER_ERROR, "internal error: " + failure));
            })
        .build();
  }

  /** Whether a failure says that the body was above the limit. */
  static boolean isTooLarge(@Nullable Throwable failure) {
    @Nullable Throwable cause = failure;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof EntityStreamSizeException
          || String.valueOf(cause.getMessage()).contains("EntityStreamSizeException")) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }

  private static @Nullable String header(HttpRequest request, String name) {
    return request.getHeader(name).map(HttpHeader::value).orElse(null);
  }
}
