package quartet.cluster.node;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.Recovered;
import quartet.errors.Required;

/**
 * Waiting prompts on their way to another server. First the journal learns whose they are, then the
 * other server; in between nobody runs them.
 *
 * <p>Thread: the router's.
 */
final class Handover {
  private final RouterProtocol.Give wish;
  private final Map<String, OpenPrompts.Open> pending = new LinkedHashMap<>();
  private final List<OpenPrompts.Open> prompts;
  private final List<Recovered.Open> given = new ArrayList<>();
  private boolean answered;

  Handover(RouterProtocol.Give wish, List<OpenPrompts.Open> prompts) {
    this.wish = wish;
    this.prompts = List.copyOf(prompts);
    prompts.forEach(one -> pending.put(one.job().promptId(), one));
  }

  List<OpenPrompts.Open> prompts() {
    return prompts;
  }

  /**
   * The journal has answered for one of them.
   *
   * @return whether this server has nothing to do with it any more; otherwise it waits here again
   */
  boolean isGone(String promptId, JournalProtocol.Answer answer) {
    OpenPrompts.Open one = Required.in(pending, promptId);
    pending.remove(promptId);
    return switch (answer) {
      case JournalProtocol.Stored ignored -> {
        given.add(new Recovered.Open(one.entry.taken(wish.to()), null, 0, false));
        yield true;
      }
      case JournalProtocol.Foreign ignored -> true;
      // Should it be stored later all the same, this server's next fact about it is refused.
      case JournalProtocol.Away ignored -> false;
    };
  }

  /** Tells what was given once the journal has answered for all. */
  void answerIfDone() {
    if (pending.isEmpty() && !answered) {
      answered = true;
      wish.replyTo().tell(new RouterProtocol.Given(wish.to(), given));
    }
  }

  /** What a client hears that posts a prompt which another server has. */
  static RouterProtocol.SubmitReply answer(PromptLife life, OpenPrompts.Open posted) {
    PromptFact.Queued entry =
        switch (life) {
          case PromptLife.Queued queued -> queued.entry();
          case PromptLife.Placed placed -> placed.entry();
          case PromptLife.Running running -> running.entry();
          case PromptLife.Ended ended -> ended.entry();
          case PromptLife.Unknown ignored -> null;
          case PromptLife.SetAside ignored -> null;
        };
    return entry != null
            && OpenPrompts.same(entry.job(), posted.job().prompt(), posted.job().outputs())
        ? new RouterProtocol.Accepted(entry.job().promptId(), entry.job().number())
        : new RouterProtocol.IdTaken(posted.job().promptId());
  }
}
