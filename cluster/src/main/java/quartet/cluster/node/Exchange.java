package quartet.cluster.node;

import akka.Done;
import java.util.Set;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.Watchers;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.queue.NodeQueue;

/**
 * What other servers of the cluster ask for: how much is to be done here, waiting prompts for them,
 * and their prompts for this one.
 *
 * <p>Thread: the router's.
 */
final class Exchange {
  /** The journal knows, or does not, that a prompt is another server's now. */
  record GiveStored(Handover handover, String promptId, JournalProtocol.Answer answer)
      implements PromptRouter.Internal {}

  private final NodeSettings settings;
  private final OpenPrompts open;
  private final History history;
  private final JournalLine journal;
  private final NodeQueue queue;
  private final Dispatch dispatch;
  private final Restoring restoring;
  private final Watchers watchers;

  Exchange(
      NodeSettings settings,
      OpenPrompts open,
      History history,
      JournalLine journal,
      NodeQueue queue,
      Dispatch dispatch,
      Restoring restoring,
      Watchers watchers) {
    this.settings = settings;
    this.open = open;
    this.history = history;
    this.journal = journal;
    this.queue = queue;
    this.dispatch = dispatch;
    this.restoring = restoring;
    this.watchers = watchers;
  }

  /**
   * How this server looks to others.
   *
   * @param counter the number that its next prompt gets
   * @param takesPrompts whether others may send some
   */
  NodeOutlook outlook(long counter, int gpus, boolean takesPrompts) {
    Owner self = settings.self();
    return new NodeOutlook(
        self == null ? "" : self.node(),
        self == null ? 0 : self.epoch(),
        "",
        "",
        dispatch.view().outlook(),
        open.size(),
        settings.queueCapacity() * gpus,
        queue.size(),
        queue.givable(),
        takesPrompts,
        counter,
        Set.of());
  }

  void give(RouterProtocol.Give message) {
    Handover handover = new Handover(message, dispatch.give(message.most(), message.pinnedToo()));
    handover.answerIfDone();
    for (OpenPrompts.Open opened : handover.prompts()) {
      String promptId = opened.job().promptId();
      journal.note(
          promptId,
          new PromptFact.Taken(message.to()),
          answer -> new GiveStored(handover, promptId, answer));
    }
  }

  void giveStored(GiveStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    boolean gone = message.handover().isGone(message.promptId(), message.answer());
    if (opened != null && gone) {
      open.remove(message.promptId());
      watchers.queueLength(open.size());
    } else if (opened != null) {
      dispatch.add(opened);
    }
    message.handover().answerIfDone();
  }

  void adopt(RouterProtocol.Adopt message) {
    String promptId = message.prompt().job().promptId();
    if (open.find(promptId) == null && !history.has(promptId)) {
      restoring.restore(message.prompt());
      dispatch.go();
      watchers.queueLength(open.size());
    }
    message.replyTo().tell(Done.getInstance());
  }

  void learn(RouterProtocol.Learn message) {
    message.ended().stream()
        .filter(record -> !history.has(record.job().promptId()))
        .forEach(history::keep);
  }
}
