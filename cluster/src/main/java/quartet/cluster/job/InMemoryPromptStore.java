package quartet.cluster.job;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Records in memory, up to a number. */
public final class InMemoryPromptStore implements PromptStore {
  private final int capacity;
  private final Map<String, PromptRecord> records = new LinkedHashMap<>();

  /** Keeps at most {@code capacity} records. */
  public InMemoryPromptStore(int capacity) {
    this.capacity = Math.max(1, capacity);
  }

  @Override
  public Set<String> add(PromptRecord record) {
    records.remove(record.job().promptId());
    Set<String> evicted = new LinkedHashSet<>();
    while (records.size() >= capacity) {
      String oldest = records.keySet().iterator().next();
      records.remove(oldest);
      evicted.add(oldest);
    }
    records.put(record.job().promptId(), record);
    return evicted;
  }

  @Override
  public Set<String> expire(Instant before) {
    Set<String> expired = new LinkedHashSet<>();
    records.values().stream()
        .takeWhile(record -> record.endedMillis() < before.toEpochMilli())
        .forEach(record -> expired.add(record.job().promptId()));
    records.keySet().removeAll(expired);
    return expired;
  }

  @Override
  public Optional<PromptRecord> find(String promptId) {
    return Optional.ofNullable(records.get(promptId));
  }

  @Override
  public List<PromptRecord> all() {
    return List.copyOf(records.values());
  }

  @Override
  public void delete(Set<String> promptIds) {
    records.keySet().removeAll(promptIds);
  }

  @Override
  public void clear() {
    records.clear();
  }
}
