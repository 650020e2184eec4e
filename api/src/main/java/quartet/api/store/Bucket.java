package quartet.api.store;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A bucket of S3-compatible storage, addressed by its path. The storage checks each upload against
 * the hash in its signature, so what is taken is whole.
 *
 * <p>Thread: any; blocks. Owner: {@code Server}.
 */
public final class Bucket implements AutoCloseable {
  private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(10);
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Pattern CODE = Pattern.compile("<Code>([A-Za-z0-9]{1,80})</Code>");
  private static final String NO_CONTENT = RequestSignature.hex(RequestSignature.sha256().digest());

  private final StoreOptions options;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_PATIENCE)
          .build();

  /** Asks nobody yet. */
  public Bucket(StoreOptions options) {
    this.options = options;
  }

  /** Puts a file there; one of that key is replaced. */
  void put(String key, Path file) throws IOException {
    HttpResponse<byte[]> answer =
        send(
            request("PUT", key, hash(file))
                .PUT(HttpRequest.BodyPublishers.ofFile(file))
                .timeout(PATIENCE)
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    if (answer.statusCode() / 100 != 2) {
      throw new IOException(
          refusal(answer.statusCode(), new String(answer.body(), StandardCharsets.UTF_8)));
    }
  }

  /**
   * Fetches one into a new file.
   *
   * @return whether it is there
   */
  public boolean get(String key, Path to) throws IOException {
    HttpResponse<InputStream> answer =
        send(
            request("GET", key, NO_CONTENT).GET().timeout(PATIENCE).build(),
            HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = answer.body()) {
      if (answer.statusCode() == 404) {
        return false;
      }
      if (answer.statusCode() != 200) {
        throw new IOException(
            refusal(
                answer.statusCode(), new String(body.readNBytes(4096), StandardCharsets.UTF_8)));
      }
      Files.copy(body, to);
      return true;
    }
  }

  private HttpRequest.Builder request(String method, String key, String contentHash) {
    String base = options.endpoint().toString().replaceAll("/+$", "");
    URI uri =
        URI.create(
            base
                + "/"
                + RequestSignature.escaped(options.bucket())
                + "/"
                + RequestSignature.escaped(options.prefix() + key));
    HttpRequest.Builder request = HttpRequest.newBuilder(uri);
    RequestSignature.headers(
            method, uri, contentHash, Map.of(), options.region(), options.key(), Instant.now())
        .forEach(request::header);
    return request;
  }

  private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException {
    try {
      return http.send(request, handler);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = RequestSignature.sha256();
    try (DigestOutputStream sink =
        new DigestOutputStream(java.io.OutputStream.nullOutputStream(), digest)) {
      Files.copy(file, sink);
    }
    return RequestSignature.hex(digest.digest());
  }

  /** Its code alone: the rest of such answers repeats what was signed, and by whom. */
  private static String refusal(int status, String body) {
    Matcher code = CODE.matcher(body);
    return "the storage answered %d%s"
        .formatted(status, code.find() ? " (" + code.group(1) + ")" : "");
  }

  @Override
  public void close() {
    http.close();
  }
}
