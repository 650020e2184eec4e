package quartet.cluster.node;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.queue.Waiting;

/** A stored prompt as the queue sees it: whose it is, how urgent, and what it costs. Pure. */
public final class Turns {
  /** In {@code extra_data}: larger goes first; from -1000 to 1000, 0 if it is not there. */
  public static final String PRIORITY = "priority";

  /** In {@code extra_data}: seconds within which it must have started. */
  public static final String DEADLINE = "deadline";

  /** In {@code extra_data}, set by the server alone: whose share a prompt counts against. */
  public static final String OWNER = "quartet_owner";

  private static final double SECOND = 1000.0;

  private Turns() {}

  /** With its own rank. */
  static Waiting waiting(PromptFact.Queued entry) {
    return waiting(entry, rank(entry.job()), entry.pinnedTo());
  }

  /**
   * With another rank or device.
   *
   * @param pinnedTo its only device, or null for any
   */
  static Waiting waiting(PromptFact.Queued entry, int rank, @Nullable Integer pinnedTo) {
    PromptJob job = entry.job();
    JsonNode deadline = job.extraData().path(DEADLINE);
    return new Waiting(
        job.promptId(),
        client(job),
        rank,
        job.number(),
        job.accepted().toEpochMilli(),
        pinnedTo,
        deadline.isNumber()
            ? job.accepted().toEpochMilli() + Math.round(deadline.asDouble() * SECOND)
            : null,
        PromptWork.of(job.prompt(), entry.checkpoints()));
  }

  static int priority(PromptJob job) {
    return Math.clamp(
        job.extraData().path(PRIORITY).asInt(0), -Waiting.MAX_PRIORITY, Waiting.MAX_PRIORITY);
  }

  private static int rank(PromptJob job) {
    return job.number() < 0 ? Waiting.FRONT : priority(job);
  }

  private static String client(PromptJob job) {
    String owner = job.extraData().path(OWNER).asText();
    return !owner.isEmpty() ? owner : job.clientId() == null ? "" : job.clientId();
  }
}
