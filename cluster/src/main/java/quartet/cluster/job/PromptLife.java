package quartet.cluster.job;

import org.jspecify.annotations.Nullable;

/**
 * Where a prompt is in its life: the fold over its facts. Queued → Placed → Running → Ended, whose
 * outcome says whether it succeeded, failed or was cancelled. After a crash a prompt that ran is
 * placed again.
 */
public sealed interface PromptLife {
  /** In the place of a device's number: none, any. */
  int NOWHERE = -1;

  /** Nothing is known of it. */
  record Unknown() implements PromptLife {}

  /** Accepted, no device yet. */
  record Queued(PromptFact.Queued entry) implements PromptLife {}

  /**
   * Waits for its device.
   *
   * @param attempts how often it was begun before
   */
  record Placed(PromptFact.Queued entry, int gpuId, int attempts) implements PromptLife {}

  /**
   * A device works on it.
   *
   * @param attempts how often it was begun, this time included
   */
  record Running(PromptFact.Queued entry, int gpuId, int attempts) implements PromptLife {}

  /** Over. */
  record Ended(PromptFact.Queued entry, PromptRecord record) implements PromptLife {}

  /** Its journal cannot be read; it is neither run nor deleted. */
  record SetAside(String reason) implements PromptLife {}

  /** The server it belongs to; null if it belongs to none, or is not known. */
  default @Nullable Owner owner() {
    return switch (this) {
      case Unknown ignored -> null;
      case Queued queued -> queued.entry().owner();
      case Placed placed -> placed.entry().owner();
      case Running running -> running.entry().owner();
      case Ended ended -> ended.entry().owner();
      case SetAside ignored -> null;
    };
  }

  /** Whether a server other than this one has the say. */
  default boolean isOfAnother(@Nullable Owner than) {
    Owner owner = owner();
    return than != null && owner != null && !owner.equals(than);
  }

  /** Whether a fact brings this life forward; one that does not was stored already. */
  default boolean takes(PromptFact fact) {
    return switch (this) {
      case Unknown ignored -> fact instanceof PromptFact.Queued;
      case Queued ignored ->
          fact instanceof PromptFact.Taken taken
              ? !taken.owner().equals(owner())
              : !(fact instanceof PromptFact.Queued);
      case Placed placed ->
          switch (fact) {
            case PromptFact.Queued ignored -> false;
            case PromptFact.Placed again -> again.gpuId() != placed.gpuId();
            case PromptFact.Moved ignored -> true;
            case PromptFact.Taken taken -> !taken.owner().equals(owner());
            case PromptFact.Started ignored -> true;
            case PromptFact.Ended ignored -> true;
            case PromptFact.Unreadable ignored -> true;
          };
      case Running ignored ->
          fact instanceof PromptFact.Taken taken
              ? !taken.owner().equals(owner())
              : !(fact instanceof PromptFact.Queued || fact instanceof PromptFact.Moved);
      case Ended ignored -> fact instanceof PromptFact.Unreadable;
      case SetAside ignored -> false;
    };
  }

  /** The life after a fact. Total: a journal that makes no sense sets the prompt aside. */
  default PromptLife after(PromptFact fact) {
    if (fact instanceof PromptFact.Unreadable unreadable) {
      return this instanceof SetAside ? this : new SetAside(unreadable.reason());
    }
    return switch (this) {
      case Unknown ignored ->
          fact instanceof PromptFact.Queued entry
              ? new Queued(entry)
              : new SetAside(
                  "its journal begins with %s; the first entry is missing"
                      .formatted(fact.getClass().getSimpleName()));
      case Queued queued when fact instanceof PromptFact.Moved moved ->
          waiting(queued.entry().moved(moved), 0);
      case Placed placed when fact instanceof PromptFact.Moved moved ->
          waiting(placed.entry().moved(moved), placed.attempts());
      case Queued queued when fact instanceof PromptFact.Taken taken ->
          waiting(queued.entry().taken(taken.owner()), 0);
      case Placed placed when fact instanceof PromptFact.Taken taken ->
          waiting(placed.entry().taken(taken.owner()), placed.attempts());
      case Running running when fact instanceof PromptFact.Taken taken ->
          new Running(running.entry().taken(taken.owner()), NOWHERE, running.attempts());
      case Queued queued -> next(queued.entry(), 0, fact, this);
      case Placed placed -> next(placed.entry(), placed.attempts(), fact, this);
      case Running running -> next(running.entry(), running.attempts(), fact, this);
      case Ended ended -> ended;
      case SetAside aside -> aside;
    };
  }

  private static PromptLife waiting(PromptFact.Queued entry, int attempts) {
    return entry.pinnedTo() == null && attempts == 0
        ? new Queued(entry)
        : new Placed(entry, entry.pinnedTo() == null ? NOWHERE : entry.pinnedTo(), attempts);
  }

  private static PromptLife next(
      PromptFact.Queued entry, int attempts, PromptFact fact, PromptLife now) {
    return switch (fact) {
      case PromptFact.Queued ignored -> now;
      case PromptFact.Moved ignored -> now;
      case PromptFact.Taken ignored -> now;
      case PromptFact.Placed placed -> new Placed(entry, placed.gpuId(), attempts);
      case PromptFact.Started started -> new Running(entry, started.gpuId(), attempts + 1);
      case PromptFact.Ended ended ->
          new Ended(
              entry,
              new PromptRecord(
                  entry.job(),
                  ended.gpuId(),
                  ended.outcome(),
                  ended.cached(),
                  ended.startedMillis(),
                  ended.endedMillis()));
      case PromptFact.Unreadable unreadable -> new SetAside(unreadable.reason());
    };
  }
}
