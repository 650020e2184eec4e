package quartet.cluster.job;

import akka.actor.typed.ActorRef;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Who hears what happens to prompts, in the order in which it happens.
 *
 * <p>Thread: its actor's.
 */
public final class Watchers {
  private final Set<ActorRef<PromptEvent>> watchers = new LinkedHashSet<>();
  private int remaining;

  /** From now on this one hears everything, the queue's length first. */
  public void add(ActorRef<PromptEvent> watcher) {
    watchers.add(watcher);
    watcher.tell(new PromptEvent.QueueChanged(remaining));
  }

  /** This one hears nothing more. */
  public void remove(ActorRef<PromptEvent> watcher) {
    watchers.remove(watcher);
  }

  /** Tells all of them. */
  public void publish(PromptEvent event) {
    watchers.forEach(watcher -> watcher.tell(event));
  }

  /** Tells the queue's length if it is another one than before. */
  public void queueLength(int now) {
    if (now != remaining) {
      remaining = now;
      publish(new PromptEvent.QueueChanged(now));
    }
  }
}
