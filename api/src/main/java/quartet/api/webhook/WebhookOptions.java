package quartet.api.webhook;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where ends are told.
 *
 * @param secret signs each message
 * @param folder keeps messages until they are delivered
 * @param first the first pause before another try; it doubles
 * @param longest the longest pause
 * @param giveUp how long a message is tried
 */
public record WebhookOptions(
    URI target, String secret, Path folder, Duration first, Duration longest, Duration giveUp) {
  /** The usual pauses: from a second to five minutes, for a day. */
  public static WebhookOptions of(URI target, String secret, Path folder) {
    return new WebhookOptions(
        target, secret, folder, Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofDays(1));
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "WebhookOptions[" + target + "]";
  }
}
