package quartet.cluster.node;

import akka.Done;
import akka.actor.typed.ActorRef;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.PromptStore;
import quartet.cluster.journal.JournalProtocol;

/**
 * Prompts that have ended: what is kept, and what leaves the journal because it is not kept.
 *
 * <p>Thread: the router's.
 */
final class History {
  private final PromptStore store;
  private final JournalLine journal;

  History(PromptStore store, JournalLine journal) {
    this.store = store;
    this.journal = journal;
  }

  List<PromptRecord> all() {
    return store.all();
  }

  Optional<PromptRecord> find(String promptId) {
    return store.find(promptId);
  }

  boolean has(String promptId) {
    return store.find(promptId).isPresent();
  }

  /** Takes one in; what has no more room here goes from the journal too. */
  void keep(PromptRecord record) {
    journal.forget(store.add(record));
  }

  /** Drops what ended before. */
  void expire(Instant before) {
    journal.forget(store.expire(before));
  }

  /**
   * Drops some.
   *
   * @param wanted null for all
   * @param replyTo hears that the journal has dropped them, or null
   */
  void forget(@Nullable Set<String> wanted, @Nullable ActorRef<Done> replyTo) {
    Set<String> ids =
        store.all().stream()
            .map(record -> record.job().promptId())
            .filter(id -> wanted == null || wanted.contains(id))
            .collect(Collectors.toSet());
    store.delete(ids);
    if (replyTo == null) {
      journal.forget(ids);
    } else {
      journal.tell(new JournalProtocol.Forget(ids, replyTo));
    }
  }
}
