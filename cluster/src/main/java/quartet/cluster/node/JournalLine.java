package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.ActorContext;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptFact;
import quartet.cluster.journal.JournalProtocol;

/**
 * The router's line to the journal: what it answers comes back as a message to the router.
 *
 * <p>Thread: the router's.
 */
final class JournalLine {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final ActorContext<RouterProtocol.Command> context;
  private final ActorRef<JournalProtocol.Command> journal;

  JournalLine(
      ActorContext<RouterProtocol.Command> context, ActorRef<JournalProtocol.Command> journal) {
    this.context = context;
    this.journal = journal;
  }

  void tell(JournalProtocol.Command command) {
    journal.tell(command);
  }

  /** Notes what nobody waits for. */
  void note(String promptId, PromptFact fact) {
    journal.tell(new JournalProtocol.Note(promptId, fact, null));
  }

  /** Notes something and hears whether it counts. */
  void note(
      String promptId,
      PromptFact fact,
      Function<JournalProtocol.Answer, PromptRouter.Internal> then) {
    ask(replyTo -> new JournalProtocol.Note(promptId, fact, replyTo), then);
  }

  /** Asks; a journal that does not answer in time counts as away. */
  void ask(
      Function<ActorRef<JournalProtocol.Answer>, JournalProtocol.Command> question,
      Function<JournalProtocol.Answer, PromptRouter.Internal> then) {
    context.ask(
        JournalProtocol.Answer.class,
        journal,
        PATIENCE,
        question::apply,
        (answer, failure) -> then.apply(orAway(answer)));
  }

  /** Forgets prompts; there may be none. */
  void forget(Set<String> promptIds) {
    if (!promptIds.isEmpty()) {
      journal.tell(new JournalProtocol.Forget(promptIds, null));
    }
  }

  private static JournalProtocol.Answer orAway(JournalProtocol.@Nullable Answer answer) {
    return answer == null
        ? new JournalProtocol.Away("the journal did not answer in " + PATIENCE.toSeconds() + " s")
        : answer;
  }
}
