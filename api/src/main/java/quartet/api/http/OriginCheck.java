package quartet.api.http;

import java.net.URI;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages of other sites from driving a server on loopback: a browser sends where a request
 * comes from, and on a loopback host that must be this server. Scripts send no origin and pass.
 */
final class OriginCheck {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private OriginCheck() {}

  /** Whether a request with these headers may pass. */
  static boolean allows(@Nullable String host, @Nullable String origin) {
    if (host == null || origin == null) {
      return true;
    }
    URI target = parse("http://" + host);
    if (target == null || target.getHost() == null || !LOOPBACK.contains(lower(target.getHost()))) {
      return true;
    }
    URI source = parse(origin);
    if (source == null || source.getHost() == null) {
      return false; // "null": a sandboxed page
    }
    boolean samePort =
        source.getPort() == -1 || target.getPort() == -1 || source.getPort() == target.getPort();
    return lower(source.getHost()).equals(lower(target.getHost())) && samePort;
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static @Nullable URI parse(String text) {
    try {
      return URI.create(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
