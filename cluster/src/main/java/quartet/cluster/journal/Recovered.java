package quartet.cluster.journal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;

/**
 * What a server takes over from before its start.
 *
 * @param open prompts to be queued again: first those that ran, then the others in their order
 * @param ended in the order in which they ended
 * @param setAside prompts that cannot be read, and why
 * @param counter the number that the next prompt gets
 */
public record Recovered(
    List<Open> open, List<PromptLife.Ended> ended, Map<String, String> setAside, long counter) {
  /** Nothing: a first start. */
  public static final Recovered NOTHING = new Recovered(List.of(), List.of(), Map.of(), 0);

  /**
   * A prompt that has not ended.
   *
   * @param placedOn the device that had it, or null
   * @param attempts how often it was begun
   * @param ran whether it was interrupted
   */
  public record Open(
      PromptFact.Queued entry, @Nullable Integer placedOn, int attempts, boolean ran) {
    /** The prompt. */
    public PromptJob job() {
      return entry.job();
    }
  }

  /** Copies the collections. */
  public Recovered {
    open = List.copyOf(open);
    ended = List.copyOf(ended);
    setAside = Map.copyOf(setAside);
  }

  /** Folds a whole journal. */
  public static Recovered of(List<JournalDatabase.Entry> entries) {
    Map<String, PromptLife> lives = new LinkedHashMap<>();
    long counter = 0;
    for (JournalDatabase.Entry entry : entries) {
      lives.compute(
          entry.promptId(),
          (id, life) -> (life == null ? new PromptLife.Unknown() : life).after(entry.fact()));
      if (entry.fact() instanceof PromptFact.Queued queued) {
        counter = Math.max(counter, queued.counter() + 1);
      }
    }
    List<Open> open = new ArrayList<>();
    List<PromptLife.Ended> ended = new ArrayList<>();
    Map<String, String> setAside = new LinkedHashMap<>();
    lives.forEach(
        (id, life) -> {
          switch (life) {
            case PromptLife.Unknown ignored -> {}
            case PromptLife.Queued queued -> open.add(new Open(queued.entry(), null, 0, false));
            case PromptLife.Placed placed ->
                open.add(new Open(placed.entry(), placed.gpuId(), placed.attempts(), false));
            case PromptLife.Running running ->
                open.add(new Open(running.entry(), running.gpuId(), running.attempts(), true));
            case PromptLife.Ended end -> ended.add(end);
            case PromptLife.SetAside aside -> setAside.put(id, aside.reason());
          }
        });
    open.sort(
        Comparator.comparingInt((Open one) -> one.ran() ? 0 : 1)
            .thenComparingDouble(one -> one.job().number())
            .thenComparing(one -> one.job().accepted()));
    ended.sort(Comparator.comparingLong((PromptLife.Ended one) -> one.record().endedMillis()));
    return new Recovered(open, ended, setAside, counter);
  }

  /** Records for the history. */
  public List<PromptRecord> records() {
    return ended.stream().map(PromptLife.Ended::record).toList();
  }
}
