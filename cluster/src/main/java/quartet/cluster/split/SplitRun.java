package quartet.cluster.split;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.queue.Waiting;
import quartet.engine.exec.ExecutionOutcome;

/**
 * A split prompt on its way: its parts, and what became of each. Outside it is one prompt; the
 * queue and the devices see parts, whose ids are the prompt's with {@code #} and a number.
 *
 * <p>Thread: the router's.
 */
public final class SplitRun {
  private static final char MARK = '#';

  private final PromptJob whole;
  private final BatchSplit.Parts parts;
  private final Map<String, PromptJob> jobs = new LinkedHashMap<>();
  private final Map<String, ExecutionOutcome> outcomes = new HashMap<>();
  private boolean started;
  private boolean joining;

  private SplitRun(PromptJob whole, BatchSplit.Parts parts) {
    this.whole = whole;
    this.parts = parts;
    for (int i = 0; i < parts.parts().size(); i++) {
      String id = whole.promptId() + MARK + i;
      jobs.put(
          id,
          new PromptJob(
              id,
              whole.number(),
              parts.parts().get(i).prompt(),
              whole.extraData(),
              whole.outputs(),
              whole.clientId(),
              whole.accepted()));
    }
  }

  /** The parts of a prompt that asks for it and can be split; null for any other. */
  public static @Nullable SplitRun of(PromptJob job, int devices) {
    int wanted = wanted(job.extraData(), devices);
    return wanted > 1
            && BatchSplit.of(job.promptId(), job.prompt(), job.outputs(), wanted)
                instanceof BatchSplit.Parts parts
            && parts.parts().size() > 1
        ? new SplitRun(job, parts)
        : null;
  }

  /** Into how many parts; {@code true} means one for each device; 0 if it does not say. */
  public static int wanted(ObjectNode extraData, int devices) {
    var field = extraData.path(BatchSplit.FIELD);
    return field.isBoolean() ? (field.booleanValue() ? devices : 0) : field.asInt(0);
  }

  /** The prompt that an id of the queue belongs to. */
  public static String promptId(String id) {
    int mark = id.indexOf(MARK);
    return mark < 0 ? id : id.substring(0, mark);
  }

  /** Whether an id is a part's. */
  public static boolean isPart(String id) {
    return id.indexOf(MARK) >= 0;
  }

  /** The parts' ids. */
  public Set<String> ids() {
    return jobs.keySet();
  }

  /** A part, as a device runs it. */
  public PromptJob job(String id) {
    return java.util.Objects.requireNonNull(jobs.get(id), id);
  }

  /** The parts as the queue sees them: as the whole, with their share of the work. */
  public List<Waiting> waiting(Waiting one) {
    List<Waiting> all = new ArrayList<>();
    int index = 0;
    for (String id : jobs.keySet()) {
      double share = (double) parts.parts().get(index++).length() / parts.batch();
      Map<String, Double> stages = new HashMap<>();
      one.work().stages().forEach((key, units) -> stages.put(key + id, units * share));
      all.add(
          new Waiting(
              id,
              one.client(),
              one.rank(),
              one.number(),
              one.acceptedMillis(),
              one.pinnedTo(),
              one.deadlineMillis(),
              new PromptWork(
                  one.work().checkpoints(),
                  one.work().models(),
                  stages,
                  one.work().images() * share)));
    }
    return all;
  }

  /** A part has ended, or will never begin. */
  public void ended(String id, ExecutionOutcome outcome) {
    outcomes.put(id, outcome);
  }

  /** Whether a part has ended, or will never begin. */
  public boolean hasEnded(String id) {
    return outcomes.containsKey(id);
  }

  /** Whether some part did not succeed: the others are of no use then. */
  public boolean failed() {
    return outcomes.values().stream().anyMatch(one -> !(one instanceof ExecutionOutcome.Succeeded));
  }

  /** Whether all parts have ended; true once. */
  public boolean isOver() {
    boolean over = !joining && outcomes.keySet().containsAll(jobs.keySet());
    joining |= over;
    return over;
  }

  /** The parts' outcomes in the order of the batch. */
  List<ExecutionOutcome> outcomes() {
    return jobs.keySet().stream()
        .map(outcomes::get)
        .map(java.util.Objects::requireNonNull)
        .toList();
  }

  PromptJob whole() {
    return whole;
  }

  /**
   * What the prompt's client hears when something happens to a part: it begins once, and the first
   * part tells how far it is. Results are told at the end, all together.
   */
  public Optional<PromptEvent.OfPrompt> event(PromptEvent.OfPrompt event) {
    if (event instanceof PromptEvent.Started begun) {
      boolean first = !started;
      started = true;
      return first
          ? Optional.of(new PromptEvent.Started(whole, begun.gpuId(), begun.timestampMillis()))
          : Optional.empty();
    }
    if (!event.job().promptId().endsWith(MARK + "0")) {
      return Optional.empty();
    }
    return switch (event) {
      case PromptEvent.NodeStarted node when !node.nodeId().equals(parts.added()) ->
          Optional.of(new PromptEvent.NodeStarted(whole, node.nodeId()));
      case PromptEvent.Progress step ->
          Optional.of(new PromptEvent.Progress(whole, step.nodeId(), step.value(), step.max()));
      case PromptEvent.NodeFinished node
          when node.ui() == null && !node.nodeId().equals(parts.added()) ->
          Optional.of(new PromptEvent.NodeFinished(whole, node.nodeId(), null, node.cached()));
      default -> Optional.empty();
    };
  }
}
