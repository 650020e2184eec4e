package quartet.api.ws;

import akka.http.javadsl.model.ws.Message;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What waits for one client, bounded. Whoever puts something in never waits.
 *
 * <p>The rule for a client that reads slowly:
 *
 * <ol>
 *   <li>of previews, the newest one waits, older ones are dropped;
 *   <li>when more than {@link #CALM} messages wait, a queue length or progress message pushes out
 *       an older one of its kind, so that their number is bounded by the number of nodes;
 *   <li>when {@link #CROWDED} wait, node-by-node messages are dropped; results and ends are kept;
 *   <li>when twice as many wait, or {@link #MAX_BYTES}, the client is cut off. It connects again
 *       and reads the state from the queue and the history, as after any lost connection.
 * </ol>
 *
 * What is kept stays in order. Thread: any.
 */
public final class Outbox {
  /** Up to here everything but old previews is kept: an ordinary hiccup loses nothing. */
  static final int CALM = 64;

  /** Beyond this only results and ends are taken. */
  static final int CROWDED = 2048;

  /** Beyond this the client is cut off. */
  static final int MAX_BYTES = 32 << 20;

  private final ObjIntConsumer<String> dropped;
  private final Deque<Outgoing> waiting = new ArrayDeque<>();
  private @Nullable CompletableFuture<Optional<Message>> reader;
  private long waitingBytes;
  private boolean closed;
  private volatile boolean takesMetadata;

  /** One whose losses nobody counts. */
  public Outbox() {
    this((kind, count) -> {});
  }

  /**
   * An empty one.
   *
   * @param dropped hears how many messages of which kind were dropped; called under this outbox's
   *     lock, so it must return at once
   */
  public Outbox(ObjIntConsumer<String> dropped) {
    this.dropped = dropped;
  }

  /** The client has said that it understands previews with metadata. */
  void takeMetadata() {
    takesMetadata = true;
  }

  /** Whether the client understands previews with metadata. */
  boolean takesMetadata() {
    return takesMetadata;
  }

  /** Puts a message in, or drops it or others by the rule. */
  void put(Outgoing message) {
    CompletableFuture<Optional<Message>> hungry;
    Optional<Message> meal = Optional.of(message.message());
    synchronized (this) {
      if (closed) {
        return;
      }
      hungry = reader;
      reader = null;
      if (hungry == null) {
        store(message);
      }
    }
    if (hungry != null) {
      hungry.complete(meal);
    }
  }

  private void store(Outgoing message) {
    boolean replaces =
        switch (message.rank()) {
          case PREVIEW -> true;
          case FIGURE -> waiting.size() >= CALM;
          case STORY, END -> false;
        };
    if (replaces) {
      waiting.removeIf(older -> older.rank() == message.rank() && drop(older, message));
    }
    boolean wanted =
        switch (message.rank()) {
          case PREVIEW -> waiting.size() < CALM;
          case FIGURE, STORY -> waiting.size() < CROWDED;
          case END -> true;
        };
    if (!wanted) {
      dropped.accept(kind(message), 1);
      return;
    }
    waiting.addLast(message);
    waitingBytes += message.bytes();
    if (waiting.size() > 2 * CROWDED || waitingBytes > MAX_BYTES) {
      closed = true;
      dropped.accept("cut_off", waiting.size());
      waiting.clear();
    }
  }

  private static String kind(Outgoing message) {
    return message.rank().name().toLowerCase(Locale.ROOT);
  }

  private boolean drop(Outgoing older, Outgoing newer) {
    boolean same = older.key().equals(newer.key());
    if (same) {
      waitingBytes -= older.bytes();
      dropped.accept(kind(older), 1);
    }
    return same;
  }

  /** The next message as soon as there is one; empty when the connection is to end. One reader. */
  CompletionStage<Optional<Message>> take() {
    synchronized (this) {
      Outgoing next = waiting.pollFirst();
      if (next != null) {
        waitingBytes -= next.bytes();
        return CompletableFuture.completedFuture(Optional.of(next.message()));
      }
      if (closed) {
        return CompletableFuture.completedFuture(Optional.empty());
      }
      CompletableFuture<Optional<Message>> hungry = new CompletableFuture<>();
      reader = hungry;
      return hungry;
    }
  }

  /** Ends the connection; what waits is forgotten. */
  void close() {
    CompletableFuture<Optional<Message>> hungry;
    synchronized (this) {
      closed = true;
      waiting.clear();
      waitingBytes = 0;
      hungry = reader;
      reader = null;
    }
    if (hungry != null) {
      hungry.complete(Optional.empty());
    }
  }

  /** Keys of what waits, for tests and figures. */
  synchronized List<String> keys() {
    List<String> keys = new ArrayList<>();
    waiting.forEach(message -> keys.add(message.key()));
    return keys;
  }
}
