package quartet.cluster.journal;

import akka.Done;
import akka.actor.typed.ActorRef;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;

/** What a journal understands and answers. */
public final class JournalProtocol {
  private JournalProtocol() {}

  /** What it understands. */
  public interface Command {}

  /**
   * A prompt of this id will probably be there to store in a moment: what the database knows about
   * it can be looked up already. Not answered, and may be left out.
   */
  public record Expect(String promptId) implements Command {}

  /** Store a new prompt; tried once. */
  public record Accept(String promptId, List<PromptFact> facts, ActorRef<Answer> replyTo)
      implements Command {
    /** Copies the list. */
    public Accept {
      facts = List.copyOf(facts);
    }
  }

  /**
   * Store what happened to a known prompt; tried until it is stored.
   *
   * @param by the server in whose name it is stored, or null for this one's: who cleans up after a
   *     dead server speaks for it
   * @param replyTo hears of the first try, or null
   */
  public record Note(
      String promptId, PromptFact fact, @Nullable Owner by, @Nullable ActorRef<Answer> replyTo)
      implements Command {
    /** In this server's name. */
    public Note(String promptId, PromptFact fact, @Nullable ActorRef<Answer> replyTo) {
      this(promptId, fact, null, replyTo);
    }
  }

  /**
   * Forget these prompts; tried until it is done.
   *
   * @param replyTo hears when it is done, or null
   */
  public record Forget(Set<String> promptIds, @Nullable ActorRef<Done> replyTo) implements Command {
    /** Copies the set. */
    public Forget {
      promptIds = Set.copyOf(promptIds);
    }
  }

  /** Answer to {@link Accept} and {@link Note}. */
  public sealed interface Answer {}

  /** It is on the disk; this is the prompt's life now. */
  public record Stored(PromptLife life) implements Answer {}

  /** Nothing was stored, since the prompt belongs to another server; this is its life. */
  public record Foreign(PromptLife life) implements Answer {}

  /** It could not be stored now. */
  public record Away(String reason) implements Answer {}
}
