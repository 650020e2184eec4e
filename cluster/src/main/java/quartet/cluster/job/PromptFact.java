package quartet.cluster.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.engine.exec.ExecutionOutcome;

/**
 * What the journal keeps of a prompt. Stored for years: a new field needs a default in {@link
 * FactCodec}, a changed meaning a new version there. Progress is no fact.
 */
public sealed interface PromptFact {
  /**
   * It was accepted.
   *
   * @param pinnedTo the device the client named, or null for any
   * @param checkpoints file names of the checkpoints it uses
   * @param counter the server's number at that time, from which it counts on after a restart
   * @param owner the server it belongs to, or null where there is no cluster
   */
  record Queued(
      PromptJob job,
      @Nullable Integer pinnedTo,
      Set<String> checkpoints,
      long counter,
      @Nullable Owner owner)
      implements PromptFact {
    /** Of a server that is alone. */
    public Queued(
        PromptJob job, @Nullable Integer pinnedTo, Set<String> checkpoints, long counter) {
      this(job, pinnedTo, checkpoints, counter, null);
    }

    /** Copies the set. */
    public Queued {
      checkpoints = Set.copyOf(checkpoints);
    }

    /** The same prompt where an operator has put it. */
    public Queued moved(Moved to) {
      ObjectNode extraData = job.extraData().deepCopy();
      extraData.put("priority", to.priority());
      return new Queued(
          new PromptJob(
              job.promptId(),
              to.number(),
              job.prompt(),
              extraData,
              job.outputs(),
              job.clientId(),
              job.accepted()),
          to.pinnedTo(),
          checkpoints,
          counter,
          owner);
    }

    /** The same prompt with another owner; a device's number there would mean another device. */
    public Queued taken(Owner by) {
      return new Queued(job, by.equals(owner) ? pinnedTo : null, checkpoints, counter, by);
    }
  }

  /**
   * It was put elsewhere while it waited.
   *
   * @param pinnedTo its only device from now on, or null for any
   * @param number its place in the queue
   */
  record Moved(@Nullable Integer pinnedTo, double number, int priority) implements PromptFact {}

  /** It belongs to another server from now on, and no longer to a device. */
  record Taken(Owner owner) implements PromptFact {}

  /** A device was named by the client, or chosen before it was free. */
  record Placed(int gpuId) implements PromptFact {}

  /** A device has begun with it. */
  record Started(int gpuId, long timestampMillis) implements PromptFact {}

  /**
   * It succeeded, failed or was stopped while it ran.
   *
   * @param cached nodes whose results were there already
   */
  record Ended(
      int gpuId,
      ExecutionOutcome outcome,
      List<String> cached,
      long startedMillis,
      long endedMillis)
      implements PromptFact {
    /** Copies the list. */
    public Ended {
      cached = List.copyOf(cached);
    }
  }

  /**
   * An entry that this version cannot read. Never written; it stands for what was found, so that
   * one bad entry neither stops the server nor is passed over.
   */
  record Unreadable(String reason) implements PromptFact {}
}
