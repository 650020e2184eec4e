package quartet.cluster.fleet;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import quartet.cluster.job.FactCodec;
import quartet.cluster.job.Owner;
import quartet.cluster.journal.Recovered;

/**
 * Prompts that belong to another server by the journal, until that server has said that it knows.
 * If it goes away before, the journal has them, and whoever cleans up after it finds them there.
 *
 * <p>Thread: the fleet's.
 */
final class Transit {
  /** A message that was lost is sent again; the receiver knows a prompt that it has. */
  private static final long AGAIN_NANOS = 500_000_000L;

  private static final class One {
    final Recovered.Open prompt;
    final Owner to;
    long sentNanos;

    One(Recovered.Open prompt, Owner to, long sentNanos) {
      this.prompt = prompt;
      this.to = to;
      this.sentNanos = sentNanos;
    }
  }

  /** To be sent. */
  record Due(Owner to, FleetMessage.Adopt message) {}

  private final String self;
  private final Map<String, One> underWay = new LinkedHashMap<>();

  Transit(String self) {
    this.self = self;
  }

  /** On its way from now on. */
  Due send(Recovered.Open prompt, Owner to, long nowNanos) {
    One one = new One(prompt, to, nowNanos);
    underWay.put(prompt.job().promptId(), one);
    return due(one);
  }

  private Due due(One one) {
    return new Due(
        one.to,
        new FleetMessage.Adopt(
            FactCodec.bytes(one.prompt.entry()), one.prompt.attempts(), one.prompt.ran(), self));
  }

  /** It has arrived. */
  void arrived(String promptId) {
    underWay.remove(promptId);
  }

  /** What has to be sent once more; what goes to servers that are gone is forgotten. */
  List<Due> due(Set<Long> epochs, long nowNanos) {
    underWay.values().removeIf(one -> !epochs.contains(one.to.epoch()));
    List<Due> due = new ArrayList<>();
    for (One one : underWay.values()) {
      if (nowNanos - one.sentNanos > AGAIN_NANOS) {
        one.sentNanos = nowNanos;
        due.add(due(one));
      }
    }
    return due;
  }

  boolean isEmpty() {
    return underWay.isEmpty();
  }
}
