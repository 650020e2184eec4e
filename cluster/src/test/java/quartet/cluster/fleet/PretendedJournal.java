package quartet.cluster.fleet;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.Recovered;

/**
 * The journal of a simulated cluster, all servers' together: one fact after the other, as the
 * database's primary key makes it, and of each prompt only its owner's.
 */
final class PretendedJournal {
  private final Map<String, List<PromptFact>> facts = new LinkedHashMap<>();
  private final Map<String, Integer> ends = new HashMap<>();
  private int refused;

  boolean knows(String id) {
    return facts.containsKey(id);
  }

  /** All that is stored of a prompt. */
  List<PromptFact> of(String id) {
    return facts.getOrDefault(id, List.of());
  }

  /** How many ends are stored of a prompt; it should be one. */
  int ends(String id) {
    return ends.getOrDefault(id, 0);
  }

  /** How many prompts have ended. */
  int ended() {
    return ends.size();
  }

  /** Facts that were not stored because the prompt was another server's. */
  int refused() {
    return refused;
  }

  /** The life afterwards, or null if the prompt belongs to another server. */
  @Nullable PromptLife store(String id, PromptFact fact, @Nullable Owner by) {
    PromptLife life = life(id);
    if (life.isOfAnother(by)) {
      refused++;
      return null;
    }
    if (life.takes(fact)) {
      facts.computeIfAbsent(id, key -> new ArrayList<>()).add(fact);
      if (fact instanceof PromptFact.Ended) {
        ends.merge(id, 1, Integer::sum);
      }
    }
    return life.after(fact);
  }

  private PromptLife life(String id) {
    PromptLife life = new PromptLife.Unknown();
    for (PromptFact fact : of(id)) {
      life = life.after(fact);
    }
    return life;
  }

  /** What a server that reads it finds open. */
  List<Recovered.Open> open() {
    List<JournalDatabase.Entry> entries = new ArrayList<>();
    facts.forEach(
        (id, all) -> all.forEach(fact -> entries.add(new JournalDatabase.Entry(id, fact))));
    return Recovered.of(entries).open();
  }
}
