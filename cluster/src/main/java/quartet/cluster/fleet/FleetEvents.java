package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.Watchers;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeOutlook;
import quartet.engine.exec.ExecutionOutcome;

/**
 * What happens to prompts anywhere in the cluster, for those who watch on this server. Events may
 * be lost on their way; ends are numbered, so that a missing one is noticed and read from the
 * journal.
 *
 * <p>Thread: the fleet's.
 */
final class FleetEvents {
  /** Events that are larger stay on their server: messages between servers are bounded. */
  private static final int MAX_EVENT = 700_000;

  private final String node;
  private final ActorRef<RouterProtocol.Command> router;
  private final Peers peers;
  private final Takeover takeover;
  private final Watchers watchers = new Watchers();
  private final Map<String, PromptJob> remote = new HashMap<>();
  private final Map<String, PromptRecord> local = new HashMap<>();
  private long ends;
  private int localRemaining;

  /**
   * Nobody watches yet.
   *
   * @param node this server's name
   */
  FleetEvents(
      String node, ActorRef<RouterProtocol.Command> router, Peers peers, Takeover takeover) {
    this.node = node;
    this.router = router;
    this.peers = peers;
    this.takeover = takeover;
  }

  Watchers watchers() {
    return watchers;
  }

  /** Ends of this server that were told so far. */
  long ends() {
    return ends;
  }

  /** Something happened on this server. */
  void local(PromptEvent happened) {
    switch (happened) {
      case PromptEvent.QueueChanged changed -> {
        localRemaining = changed.remaining();
        tellQueueLength();
      }
      case PromptEvent.Ended ended -> {
        watchers.publish(ended);
        tellEnd(ended);
      }
      case PromptEvent.OfPrompt event -> {
        note(event);
        watchers.publish(event);
        if (!peers.answering().isEmpty()) {
          EventCodec.json(event).ifPresent(this::tellEvent);
        }
      }
    }
  }

  /** What the record of an end needs and the end itself does not tell. */
  private void note(PromptEvent.OfPrompt event) {
    String id = event.job().promptId();
    if (event instanceof PromptEvent.Started started) {
      local.put(id, record(started.job(), List.of(), started.timestampMillis()));
    } else if (event instanceof PromptEvent.Cached cached && local.containsKey(id)) {
      local.put(id, record(cached.job(), cached.nodeIds(), cached.timestampMillis()));
    }
  }

  private static PromptRecord record(PromptJob job, List<String> cached, long startedMillis) {
    return new PromptRecord(
        job, 0, new ExecutionOutcome.Succeeded(Map.of()), cached, startedMillis, 0);
  }

  private void tellEvent(ObjectNode event) {
    boolean small =
        !(event.path("png").isBinary() && event.path("png").toString().length() > MAX_EVENT);
    if (small) {
      FleetMessage.Happened happened = new FleetMessage.Happened(node, event);
      peers.answering().forEach(peer -> peer.ref.tell(happened));
    }
  }

  private void tellEnd(PromptEvent.Ended ended) {
    ends++;
    PromptRecord begun = local.remove(ended.job().promptId());
    PromptRecord record =
        new PromptRecord(
            ended.job(),
            ended.gpuId(),
            ended.outcome(),
            begun == null ? List.of() : begun.cached(),
            begun == null ? ended.timestampMillis() : begun.startedMillis(),
            ended.timestampMillis());
    FleetMessage.Ended message = new FleetMessage.Ended(node, ends, EventCodec.record(record));
    if (message.record().toString().length() <= MAX_EVENT) { // otherwise they read the journal
      peers.answering().forEach(peer -> peer.ref.tell(message));
    }
  }

  /** Another server has told so many ends. */
  void endsOf(Peers.Peer peer, long told) {
    if (peer.ends >= 0 && told > peer.ends) {
      takeover.readHistory(); // one was told and did not arrive
    }
    peer.ends = Math.max(peer.ends, told);
  }

  /** Something happened on another server. */
  void happened(FleetMessage.Happened message) {
    String id = message.event().path("id").asText();
    EventCodec.event(message.event(), remote.get(id))
        .ifPresent(
            event -> {
              if (event instanceof PromptEvent.Started) {
                remote.put(id, event.job());
              } else if (event instanceof PromptEvent.Closed) {
                remote.remove(id);
              }
              watchers.publish(event);
            });
  }

  /** A prompt has ended on another server. */
  void ended(FleetMessage.Ended message) {
    peers
        .named(message.node())
        .ifPresent(
            peer -> {
              endsOf(peer, message.sequence() - 1);
              peer.ends = Math.max(peer.ends, message.sequence());
            });
    EventCodec.record(message.record())
        .ifPresent(
            record -> {
              router.tell(new RouterProtocol.Learn(List.of(record)));
              watchers.publish(
                  new PromptEvent.Ended(
                      record.job(), record.gpuId(), record.outcome(), record.endedMillis()));
            });
  }

  /** Tells how many prompts are open in the cluster, if that has changed. */
  void tellQueueLength() {
    int now = localRemaining;
    for (NodeOutlook other : peers.outlooks()) {
      now += other.open();
    }
    watchers.queueLength(now);
  }
}
