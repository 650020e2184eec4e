package quartet.api.store;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where outputs are put besides the output folder.
 *
 * @param endpoint address of the storage, without the bucket
 * @param prefix stands before every key; empty, or ends with a slash
 * @param folder remembers what is not there yet
 * @param first the first pause after a failure; it doubles
 * @param longest the longest pause
 */
public record StoreOptions(
    URI endpoint,
    String region,
    String bucket,
    String prefix,
    StoreKey key,
    Path folder,
    Duration first,
    Duration longest) {
  /** The usual pauses: from a second to five minutes. */
  public static StoreOptions of(
      URI endpoint, String region, String bucket, String prefix, StoreKey key, Path folder) {
    return new StoreOptions(
        endpoint,
        region,
        bucket,
        prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/",
        key,
        folder,
        Duration.ofSeconds(1),
        Duration.ofMinutes(5));
  }

  /** The place, for people; without the key. */
  @Override
  public String toString() {
    return "%s/%s/%s".formatted(endpoint.toString().replaceAll("/+$", ""), bucket, prefix);
  }
}
