package quartet.api.store;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs requests to S3-compatible storage. Only what is needed here: no query, one region.
 *
 * <p>Source: AWS, "Authenticating Requests: Using the Authorization Header (Signature Version 4)".
 */
final class RequestSignature {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final String ALGORITHM = "AWS4-HMAC-SHA256";
  private static final String UNESCAPED = "-._~/";
  private static final int DATE_LENGTH = 8;

  private RequestSignature() {}

  /**
   * A key as it stands in an address, each part escaped, as the signature wants it: UTF-8, and
   * nothing but letters, digits and {@code -._~} left as they are.
   */
  static String escaped(String key) {
    StringBuilder text = new StringBuilder();
    for (byte b : key.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || UNESCAPED.indexOf(c) >= 0;
      text.append(plain ? String.valueOf(c) : "%%%02X".formatted((int) c));
    }
    return text.toString();
  }

  /** As the client sends it: a port that the scheme implies is left out. */
  static String host(URI uri) {
    boolean implied =
        uri.getPort() < 0 || uri.getPort() == ("https".equals(uri.getScheme()) ? 443 : 80);
    return implied ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
  }

  /**
   * All headers of a signed request but {@code Host}, which clients set themselves.
   *
   * @param contentHash SHA-256 of the body, in hex
   * @param more further headers to send and sign, by their names in lower case
   */
  static SortedMap<String, String> headers(
      String method,
      URI uri,
      String contentHash,
      Map<String, String> more,
      String region,
      StoreKey key,
      Instant at) {
    String time = TIME.format(at);
    SortedMap<String, String> headers = new TreeMap<>(more);
    headers.put("host", host(uri));
    headers.put("x-amz-content-sha256", contentHash);
    headers.put("x-amz-date", time);
    if (key.session() != null) {
      headers.put("x-amz-security-token", key.session());
    }
    String names = String.join(";", headers.keySet());
    String canonical =
        headers.entrySet().stream()
            .map(one -> one.getKey() + ":" + one.getValue().strip() + "\n")
            .collect(
                Collectors.joining(
                    "",
                    method + "\n" + uri.getRawPath() + "\n\n",
                    "\n" + names + "\n" + contentHash));
    String scope = time.substring(0, DATE_LENGTH) + "/" + region + "/s3/aws4_request";
    String toSign =
        ALGORITHM
            + "\n"
            + time
            + "\n"
            + scope
            + "\n"
            + hex(sha256().digest(canonical.getBytes(StandardCharsets.UTF_8)));
    byte[] signing = ("AWS4" + key.secret()).getBytes(StandardCharsets.UTF_8);
    for (String part : scope.split("/", -1)) {
      signing = hmac(signing, part);
    }
    headers.put(
        "authorization",
        "%s Credential=%s/%s,SignedHeaders=%s,Signature=%s"
            .formatted(ALGORITHM, key.id(), scope, names, hex(hmac(signing, toSign))));
    headers.remove("host");
    return headers;
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no HmacSHA256", e);
    }
  }
}
