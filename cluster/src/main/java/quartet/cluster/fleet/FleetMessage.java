package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.NodeOutlook;

/** What servers tell and ask each other. Prompts travel as the journal's facts, in bytes. */
@SuppressWarnings("ArrayRecordComponent") // never compared
public sealed interface FleetMessage extends Fleet.Command, WireMessage {
  /**
   * How things look on a server; several times a second.
   *
   * @param ends prompts that have ended there since its start
   * @param shared whether all servers see its input and output folders
   */
  record Beat(NodeOutlook outlook, long ends, boolean shared) implements FleetMessage {}

  /** Take this prompt in: a client has posted it elsewhere. */
  record Post(
      String promptId,
      ObjectNode prompt,
      ObjectNode extraData,
      List<String> outputs,
      Set<String> checkpoints,
      @Nullable String clientId,
      @Nullable Integer gpuId,
      @Nullable Double number,
      boolean front,
      long counter,
      ActorRef<Posted> replyTo)
      implements FleetMessage {}

  /** Something has happened to a prompt that runs there; see {@link EventCodec}. */
  record Happened(String node, ObjectNode event) implements FleetMessage {}

  /**
   * A prompt has ended there.
   *
   * @param sequence the how-many-eth since that server's start
   */
  record Ended(String node, long sequence, ObjectNode record) implements FleetMessage {}

  /** An idle server would take so many prompts. */
  record Steal(String node, long epoch, int most) implements FleetMessage {}

  /** By the journal this prompt is yours now; repeated until it is answered. */
  record Adopt(byte[] entry, int attempts, boolean ran, String from) implements FleetMessage {}

  /** Answer to {@link Adopt}: it waits or runs here. */
  record Adopted(String promptId) implements FleetMessage {}

  /** Stop a running prompt, or all with null. */
  record Interrupt(@Nullable String promptId) implements FleetMessage {}

  /** Take waiting prompts out, or all with null. */
  record Delete(@Nullable Set<String> promptIds) implements FleetMessage {}

  /** Forget ended prompts, or all with null. */
  record Forget(@Nullable Set<String> promptIds) implements FleetMessage {}

  /**
   * Put a waiting prompt elsewhere.
   *
   * @param where front, back, before, priority or gpu
   */
  record Move(
      String promptId,
      String where,
      @Nullable String before,
      @Nullable Integer number,
      ActorRef<Moved> replyTo)
      implements FleetMessage {}

  /** Say what runs and waits there, from a place in the list on. */
  record AskQueues(int from, ActorRef<Queues> replyTo) implements FleetMessage {}

  /** Answer to {@link Post}; {@code kind} names the router's answer. */
  record Posted(
      String kind,
      String promptId,
      double number,
      @Nullable Integer gpuId,
      int waiting,
      long expectedWaitMillis,
      long retryAfterMillis,
      List<Integer> gpus,
      String reason)
      implements WireMessage {}

  /** Answer to {@link Move}. */
  record Moved(boolean done) implements WireMessage {}

  /**
   * Answer to {@link AskQueues}.
   *
   * @param pending a page of what waits
   * @param total how much waits altogether
   */
  record Queues(List<Gpu> gpus, List<Pending> pending, int total) implements WireMessage {
    /** A device, and what is under way on it. */
    public record Gpu(
        int index,
        String device,
        byte @Nullable [] running,
        List<byte[]> ending,
        boolean paused,
        @Nullable String unhealthy) {}

    /** A waiting prompt. */
    public record Pending(
        int gpu, byte[] entry, int position, @Nullable Long startMillis, String reason) {}
  }
}
