package quartet.api.http;

import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.scaladsl.model.IllegalUriException;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.ApiKeys;
import quartet.api.auth.Principal;
import quartet.api.auth.Role;
import quartet.api.wire.Json;
import quartet.engine.graph.PromptError;

/**
 * Who sends a request, and whether that one may: a key comes as {@code Authorization: Bearer}, as
 * {@code ?token=} (WebSockets in browsers cannot send headers), or in the cookie that opening the
 * page with {@code ?token=} sets.
 *
 * @param keys or null where everybody may
 * @param dashboard whether the built-in page is served: it holds no data, and asks for the key
 */
record AccessCheck(@Nullable ApiKeys keys, boolean dashboard) {
  private static final String BEARER = "bearer ";
  private static final String COOKIE = "quartet_key";

  /** What becomes of a request. */
  sealed interface Decision {}

  /** It goes on. */
  record Allowed(Principal who) implements Decision {}

  /** It ends here. */
  record Refused(HttpResponse answer) implements Decision {}

  Decision decide(HttpRequest request) {
    ApiKeys known = keys;
    if (known == null) {
      return new Allowed(Principal.EVERYBODY);
    }
    Optional<String> key = key(request);
    Optional<Principal> who = key.flatMap(known::find);
    if (who.isEmpty() && (isDashboard(request) || isProbe(request))) {
      return new Allowed(Principal.EVERYBODY);
    }
    if (who.isEmpty()) {
      return new Refused(
          refusal(
                  StatusCodes.UNAUTHORIZED,
                  "unauthorized",
                  key.isEmpty() ? "This server wants a key" : "This key is not known here",
                  "send 'Authorization: Bearer KEY', or ?token=KEY")
              .addHeader(RawHeader.create("WWW-Authenticate", "Bearer realm=\"quartet\"")));
    }
    boolean reads =
        request.method().equals(HttpMethods.GET) || request.method().equals(HttpMethods.HEAD);
    if (who.get().role() == Role.READ_ONLY && !reads) {
      return new Refused(
          refusal(
              StatusCodes.FORBIDDEN,
              "forbidden",
              "This key may look and change nothing",
              "the key '%s' has the role read-only".formatted(who.get().name())));
    }
    return new Allowed(who.get());
  }

  /** A key that is given with the page is checked; an old cookie does not keep the page away. */
  private boolean isDashboard(HttpRequest request) {
    return dashboard
        && request.method().equals(HttpMethods.GET)
        && DashboardRoutes.has(request.getUri().path())
        && inQuery(request).isEmpty();
  }

  /** Whoever asks whether the server is up has no key, and learns nothing else. */
  private static boolean isProbe(HttpRequest request) {
    String path = request.getUri().path();
    return path.equals(HealthRoutes.LIVE) || path.equals(HealthRoutes.READY);
  }

  private static HttpResponse refusal(
      akka.http.javadsl.model.StatusCode status, String type, String message, String details) {
    return Replies.promptError(status, new PromptError(type, message, details), Json.object());
  }

  private static Optional<String> key(HttpRequest request) {
    return header(request, "authorization")
        .filter(value -> value.toLowerCase(Locale.ROOT).startsWith(BEARER))
        .map(value -> value.substring(BEARER.length()).strip())
        .or(() -> inQuery(request))
        .or(() -> header(request, "cookie").flatMap(AccessCheck::inCookie));
  }

  private static Optional<String> inQuery(HttpRequest request) {
    try {
      return request.getUri().query().get("token");
    } catch (IllegalUriException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> inCookie(String cookies) {
    return Stream.of(cookies.split(";", -1))
        .map(String::strip)
        .filter(cookie -> cookie.startsWith(COOKIE + "="))
        .map(cookie -> cookie.substring(COOKIE.length() + 1))
        .findFirst();
  }

  private static Optional<String> header(HttpRequest request, String name) {
    return request.getHeader(name).map(HttpHeader::value);
  }

  /** Opening the page with a key keeps it in the browser, for its scripts and its WebSocket. */
  HttpResponse remember(HttpRequest request, HttpResponse answer) {
    String path = request.getUri().path();
    boolean page = path.equals("/") || path.equals("/index.html");
    Optional<String> key = page && keys != null ? inQuery(request) : Optional.empty();
    return answer.status().isSuccess() && key.isPresent()
        ? answer.addHeader(
            RawHeader.create(
                "Set-Cookie", COOKIE + "=" + key.get() + "; Path=/; HttpOnly; SameSite=Strict"))
        : answer;
  }
}
