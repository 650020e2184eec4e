package quartet.cluster.job;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Ended prompts as the history shows them, oldest first. The journal has them too; this is the copy
 * that answers without waiting for a disk.
 *
 * <p>Thread: one caller at a time.
 */
public interface PromptStore {
  /**
   * Keeps a record; the oldest go when there are too many.
   *
   * @return the ids of those that went
   */
  Set<String> add(PromptRecord record);

  /**
   * Forgets what ended before a moment.
   *
   * @return their ids
   */
  Set<String> expire(Instant before);

  /** One record. */
  Optional<PromptRecord> find(String promptId);

  /** All records, oldest first. */
  List<PromptRecord> all();

  /** Forgets these; unknown ids are ignored. */
  void delete(Set<String> promptIds);

  /** Forgets everything. */
  void clear();
}
