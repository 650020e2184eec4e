package quartet.cluster.fleet;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import quartet.cluster.job.Owner;
import quartet.cluster.journal.Recovered;

/**
 * What the journal says of open prompts, compared with who is there: prompts of servers that are
 * gone, and prompts of this one that it does not know of. Pure.
 *
 * @param ofTheGone to be given to servers that are there, in the order in which they shall run
 * @param forgotten this server's own, of which it does not know
 */
record Orphans(List<Recovered.Open> ofTheGone, List<Recovered.Open> forgotten) {
  /**
   * Compares.
   *
   * @param self this server
   * @param epochs of all servers that belong to the cluster, whether they answer or not
   * @param known what this server knows of
   * @param suspected what was unknown the last time already: a prompt on its way here is no orphan
   */
  static Orphans of(
      List<Recovered.Open> open,
      Owner self,
      Set<Long> epochs,
      Set<String> known,
      Set<String> suspected) {
    List<Recovered.Open> gone = new ArrayList<>();
    List<Recovered.Open> forgotten = new ArrayList<>();
    for (Recovered.Open one : open) {
      Owner owner = one.entry().owner();
      String promptId = one.job().promptId();
      if (owner == null || !epochs.contains(owner.epoch())) {
        gone.add(one);
      } else if (owner.equals(self) && !known.contains(promptId) && suspected.contains(promptId)) {
        forgotten.add(one);
      }
    }
    return new Orphans(gone, forgotten);
  }

  /** What is unknown now, to be looked at again. */
  static Set<String> suspects(List<Recovered.Open> open, Owner self, Set<String> known) {
    Set<String> suspects = new HashSet<>();
    for (Recovered.Open one : open) {
      if (self.equals(one.entry().owner()) && !known.contains(one.job().promptId())) {
        suspects.add(one.job().promptId());
      }
    }
    return suspects;
  }
}
