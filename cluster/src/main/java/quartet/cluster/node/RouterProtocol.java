package quartet.cluster.node;

import akka.Done;
import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.journal.Recovered;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.queue.DeviceNow;

/** What the front actor understands and answers. */
public final class RouterProtocol {
  private RouterProtocol() {}

  /** What it understands. */
  public sealed interface Command
      permits Submit,
          Restore,
          CountRefused,
          Queues,
          Devices,
          Find,
          History,
          ForgetHistory,
          Interrupt,
          DeletePending,
          ClearPending,
          Free,
          Pause,
          Move,
          Drain,
          Watch,
          WarmUpAll,
          Outlook,
          CountFrom,
          Give,
          Adopt,
          Known,
          Learn,
          Expect,
          PromptRouter.Internal {}

  /** A prompt of this id is being checked and will probably be submitted. Not answered. */
  public record Expect(String promptId) implements Command {}

  /**
   * Take this prompt in.
   *
   * @param promptId given by the client or made by the server
   * @param prompt the checked prompt, with converted values
   * @param outputs ids of output nodes to run
   * @param checkpoints file names of the checkpoints it uses
   * @param node the server it must run on, or null for any
   * @param gpuId the device it must run on, or null for any; without a node, of this server
   * @param number its place in the queue as the client wants it, or null
   * @param front before all that wait
   */
  public record Submit(
      String promptId,
      ObjectNode prompt,
      ObjectNode extraData,
      List<String> outputs,
      Set<String> checkpoints,
      @Nullable String clientId,
      @Nullable String node,
      @Nullable Integer gpuId,
      @Nullable Double number,
      boolean front,
      ActorRef<SubmitReply> replyTo)
      implements Command {
    /** On this server or, in a cluster, on any. */
    public Submit(
        String promptId,
        ObjectNode prompt,
        ObjectNode extraData,
        List<String> outputs,
        Set<String> checkpoints,
        @Nullable String clientId,
        @Nullable Integer gpuId,
        @Nullable Double number,
        boolean front,
        ActorRef<SubmitReply> replyTo) {
      this(
          promptId,
          prompt,
          extraData,
          outputs,
          checkpoints,
          clientId,
          null,
          gpuId,
          number,
          front,
          replyTo);
    }
  }

  /** Take over what the journal kept from before the start. Comes before any {@link Submit}. */
  public record Restore(Recovered recovered, ActorRef<Done> replyTo) implements Command {}

  /** A prompt was refused before it came here; it uses up a number all the same. */
  public record CountRefused() implements Command {}

  /** Say what all devices do, in the order of their numbers. */
  public record Queues(ActorRef<List<GpuSnapshot>> replyTo) implements Command {}

  /** Say what is on all devices, in the order of their numbers. */
  public record Devices(ActorRef<List<DeviceNow>> replyTo) implements Command {}

  /** An ended prompt. */
  public record Find(String promptId, ActorRef<Optional<PromptRecord>> replyTo)
      implements Command {}

  /** All ended prompts, oldest first. */
  public record History(ActorRef<List<PromptRecord>> replyTo) implements Command {}

  /**
   * Forget ended prompts; null for all.
   *
   * @param replyTo hears when they are gone from the journal too, or null
   */
  public record ForgetHistory(@Nullable Set<String> promptIds, @Nullable ActorRef<Done> replyTo)
      implements Command {
    /** For those who do not wait. */
    public ForgetHistory(@Nullable Set<String> promptIds) {
      this(promptIds, null);
    }
  }

  /**
   * Stop running prompts.
   *
   * @param promptId only this one, or null
   * @param gpuId only on this device, or null
   */
  public record Interrupt(@Nullable String promptId, @Nullable Integer gpuId) implements Command {}

  /** Take waiting prompts out of the queues. */
  public record DeletePending(Set<String> promptIds) implements Command {}

  /** Take all waiting prompts out, of one device or of all. */
  public record ClearPending(@Nullable Integer gpuId) implements Command {}

  /** Let a device, or all, take no further prompts, or take them again. What runs goes on. */
  public record Pause(@Nullable Integer gpuId, boolean paused, ActorRef<ChangeReply> replyTo)
      implements Command {}

  /** Put a waiting prompt elsewhere. */
  public record Move(String promptId, Where where, ActorRef<ChangeReply> replyTo)
      implements Command {}

  /** Where a waiting prompt is put. */
  public sealed interface Where {}

  /** To another device, or to any with null. */
  public record ToGpu(@Nullable Integer gpuId) implements Where {}

  /** Before everybody's. */
  public record ToFront() implements Where {}

  /** Behind all others of its client. */
  public record ToBack() implements Where {}

  /** Right before another waiting prompt. */
  public record Before(String promptId) implements Where {}

  /** With another priority. */
  public record Priority(int priority) implements Where {}

  /** Answer to {@link Pause} and {@link Move}. */
  public sealed interface ChangeReply {}

  /** Done. */
  public record Changed() implements ChangeReply {}

  /** That prompt does not wait: it runs, has ended, or was never there. */
  public record NotWaiting(String promptId) implements ChangeReply {}

  /**
   * Take no new prompts, or take them again.
   *
   * @param how null only asks
   */
  public record Drain(@Nullable DrainMode how, ActorRef<DrainState> replyTo) implements Command {}

  /** How a server is emptied. */
  public enum DrainMode {
    /** It is not; the usual state. */
    OFF,
    /** What runs ends; what waits stays in the journal for the next start. */
    RUNNING,
    /** Everything that was accepted is run to its end. */
    QUEUE
  }

  /**
   * How far the emptying is.
   *
   * @param running prompts that run, or whose end is just being stored
   */
  public record DrainState(DrainMode mode, int running, int waiting) {
    /** Whether the server can be stopped. */
    public boolean done() {
      return running == 0 && (mode != DrainMode.QUEUE || waiting == 0);
    }
  }

  /** Give memory back when idle. */
  public record Free(boolean models) implements Command {}

  /** Tell this one what happens from now on. It is forgotten when it stops. */
  public record Watch(ActorRef<PromptEvent> watcher) implements Command {}

  /**
   * Warm the devices up, one after the other so that the log reads in order.
   *
   * @param replyTo hears, at the end, what failed and why; nothing if all went well
   */
  public record WarmUpAll(ActorRef<List<String>> replyTo) implements Command {}

  // What a cluster asks of each of its servers.

  /** Say how things look here: devices, learned times, how much waits. */
  public record Outlook(ActorRef<NodeOutlook> replyTo) implements Command {}

  /** Number further prompts from here on, so that numbers of several servers can be compared. */
  public record CountFrom(long counter) implements Command {}

  /**
   * Give waiting prompts to another server. When the answer comes, they belong to it by the
   * journal, and this server does nothing with them any more.
   *
   * @param pinnedToo also those that name a device of this server, since it leaves
   */
  public record Give(int most, boolean pinnedToo, Owner to, ActorRef<Given> replyTo)
      implements Command {}

  /** Answer to {@link Give}; perhaps none. */
  public record Given(Owner to, List<Recovered.Open> prompts) {}

  /** A prompt belongs to this server by the journal: queue it, if it is not known yet. */
  public record Adopt(Recovered.Open prompt, ActorRef<Done> replyTo) implements Command {}

  /** Ids of all prompts between acceptance and end. */
  public record Known(ActorRef<Set<String>> replyTo) implements Command {}

  /** These prompts have ended on other servers. */
  public record Learn(List<PromptRecord> ended) implements Command {}

  /** Answer to {@link Submit}. */
  public sealed interface SubmitReply {}

  /** It is stored, and waits or runs already. */
  public record Accepted(String promptId, double number) implements SubmitReply {}

  /**
   * The device's queue is full, or all are.
   *
   * @param expectedWait until a prompt that came now would start
   * @param retryAfter until a place should be free
   */
  public record QueueFull(
      @Nullable Integer gpuId, int waiting, Duration expectedWait, Duration retryAfter)
      implements SubmitReply {}

  /** The server is being emptied before it stops. */
  public record Draining() implements SubmitReply {}

  /** There is no such device. */
  public record NoSuchGpu(int gpuId, List<Integer> gpus) implements SubmitReply, ChangeReply {}

  /** There is no such server in the cluster, or it does not answer. */
  public record NoSuchNode(String node, List<String> nodes) implements SubmitReply {}

  /** Another prompt has this id. */
  public record IdTaken(String promptId) implements SubmitReply {}

  /** The journal cannot be written to, so nothing can be promised. */
  public record StorageAway(String reason) implements SubmitReply {}
}
