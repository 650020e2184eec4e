package quartet.cluster.journal;

import akka.Done;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import java.util.HashMap;
import java.util.Map;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;

/** A journal that ends with the process: for tests, and for servers that want no database. */
public final class MemoryJournal {
  private final Map<String, PromptLife> lives = new HashMap<>();

  private MemoryJournal() {}

  /** The actor. */
  public static Behavior<JournalProtocol.Command> create() {
    return Behaviors.setup(
        context -> {
          MemoryJournal journal = new MemoryJournal();
          return Behaviors.receive(JournalProtocol.Command.class)
              .onMessage(JournalProtocol.Accept.class, journal::accept)
              .onMessage(JournalProtocol.Note.class, journal::note)
              .onMessage(JournalProtocol.Forget.class, journal::forget)
              .build();
        });
  }

  private Behavior<JournalProtocol.Command> accept(JournalProtocol.Accept message) {
    PromptLife life = lives.getOrDefault(message.promptId(), new PromptLife.Unknown());
    for (PromptFact fact : message.facts()) {
      life = life.takes(fact) ? life.after(fact) : life;
    }
    lives.put(message.promptId(), life);
    message.replyTo().tell(new JournalProtocol.Stored(life));
    return Behaviors.same();
  }

  private Behavior<JournalProtocol.Command> note(JournalProtocol.Note message) {
    PromptLife life =
        lives.getOrDefault(message.promptId(), new PromptLife.Unknown()).after(message.fact());
    lives.put(message.promptId(), life);
    if (message.replyTo() != null) {
      message.replyTo().tell(new JournalProtocol.Stored(life));
    }
    return Behaviors.same();
  }

  private Behavior<JournalProtocol.Command> forget(JournalProtocol.Forget message) {
    lives.keySet().removeAll(message.promptIds());
    if (message.replyTo() != null) {
      message.replyTo().tell(Done.getInstance());
    }
    return Behaviors.same();
  }
}
