package quartet.api.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import quartet.api.outbox.Outbox;

/**
 * Keys of outputs that are not in the storage yet.
 *
 * <p>Thread: one that may block, one call per key at a time.
 */
record PendingUploads(Outbox outbox) {
  PendingUploads(Path folder) {
    this(new Outbox(folder, ".key"));
  }

  void put(String key) throws IOException {
    outbox.put(name(key), key.getBytes(StandardCharsets.UTF_8));
  }

  void stored(String key) throws IOException {
    outbox.remove(name(key));
  }

  /** What an earlier start has left, oldest first. */
  List<String> all() throws IOException {
    List<String> keys = new ArrayList<>();
    for (String name : outbox.names()) {
      keys.add(new String(outbox.get(name), StandardCharsets.UTF_8));
    }
    return keys;
  }

  /** Keys may be longer than a file's name can be. */
  private static String name(String key) {
    return RequestSignature.hex(
        RequestSignature.sha256().digest(key.getBytes(StandardCharsets.UTF_8)));
  }
}
