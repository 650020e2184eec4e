package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import java.util.LinkedHashSet;
import java.util.Set;
import quartet.cluster.job.PromptEvent;

/**
 * Who hears what happens to prompts, in the order in which it happens.
 *
 * <p>Thread: the router's.
 */
final class Watchers {
  private final Set<ActorRef<PromptEvent>> watchers = new LinkedHashSet<>();
  private int remaining;

  /** From now on this one hears everything, the queue's length first. */
  void add(ActorRef<PromptEvent> watcher) {
    watchers.add(watcher);
    watcher.tell(new PromptEvent.QueueChanged(remaining));
  }

  void remove(ActorRef<PromptEvent> watcher) {
    watchers.remove(watcher);
  }

  void publish(PromptEvent event) {
    watchers.forEach(watcher -> watcher.tell(event));
  }

  /** Tells the queue's length if it is another one than before. */
  void queueLength(int now) {
    if (now != remaining) {
      remaining = now;
      publish(new PromptEvent.QueueChanged(now));
    }
  }
}
