package quartet.api.webhook;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import quartet.api.outbox.Outbox;

/**
 * Messages that are not delivered yet. Prompt ids are safe as file names but for colons.
 *
 * <p>Thread: one that may block, one call per message at a time.
 */
record PendingMessages(Outbox outbox) {
  PendingMessages(Path folder) {
    this(new Outbox(folder, ".json"));
  }

  void put(String id, byte[] body) throws IOException {
    outbox.put(name(id), body);
  }

  byte[] get(String id) throws IOException {
    return outbox.get(name(id));
  }

  void delivered(String id) throws IOException {
    outbox.remove(name(id));
  }

  /** Puts it aside for people to look at. */
  void givenUp(String id) throws IOException {
    outbox.setAside(name(id), "undelivered");
  }

  /** Ids of all messages from before, oldest first. */
  List<String> all() throws IOException {
    return outbox.names().stream().map(name -> name.replace("%3A", ":")).toList();
  }

  private static String name(String id) {
    return id.replace(":", "%3A");
  }
}
