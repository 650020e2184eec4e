package quartet.tensor.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.Shape;

/**
 * The prepared parameters of all devices, one copy per source.
 *
 * <p>A source is open while anyone holds it. Within it, a parameter is found by what it is made of
 * (kind, dtype, shape, geometry and a fingerprint of all its bytes), so the second device to load a
 * checkpoint gets the first one's copy whatever order it loads in and wherever its bytes are
 * mapped; two devices that load at once prepare each parameter once.
 *
 * <p>Thread: any.
 */
final class ParameterStore implements AutoCloseable {
  private final CpuThreads threads;
  private final MemoryBudget budget;
  private final Map<String, Source> sources = new HashMap<>();

  ParameterStore(CpuThreads threads, MemoryBudget budget) {
    this.threads = threads;
    this.budget = budget;
  }

  synchronized Source open(String sourceId) {
    Source source = sources.computeIfAbsent(sourceId, Source::new);
    source.holders++;
    return source;
  }

  private synchronized void release(Source source) {
    if (--source.holders == 0) {
      sources.remove(source.sourceId);
      source.free();
    }
  }

  /** Bytes of all prepared parameters, each counted once. */
  synchronized long byteSize() {
    return sources.values().stream().mapToLong(source -> source.bytes.get()).sum();
  }

  @Override
  public synchronized void close() {
    sources.values().forEach(Source::free);
    sources.clear();
  }

  /** What a prepared parameter was made of. */
  record Key(
      Class<?> kind,
      DType dtype,
      Shape shape,
      @Nullable Conv2dGeometry geometry,
      long weightBits,
      long otherBits) {}

  /** One checkpoint's parameters. */
  // The arena is closed when the last holder goes.
  @SuppressWarnings("MustBeClosedChecker")
  final class Source {
    private final String sourceId;
    private final Arena arena = Arena.ofShared();
    private final Map<Key, Object> prepared = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    private int holders;

    private Source(String sourceId) {
      this.sourceId = sourceId;
    }

    /** The parameter of that key, made by {@code make} if this is the first request for it. */
    <T> T prepare(Key key, Class<T> type, Function<Source, T> make) {
      return type.cast(prepared.computeIfAbsent(key, missing -> make.apply(this)));
    }

    /** The address of {@code count} floats that live as long as the source. */
    long floats(long count) {
      long size = Math.max(1, count) * Float.BYTES;
      budget.take(size, "parameters");
      bytes.addAndGet(size);
      MemorySegment segment = arena.allocate(size, 64);
      return segment.address();
    }

    CpuThreads threads() {
      return threads;
    }

    void release() {
      ParameterStore.this.release(this);
    }

    private void free() {
      budget.giveBack(bytes.getAndSet(0));
      prepared.clear();
      arena.close();
    }

    @Override
    public String toString() {
      return "parameters of '" + sourceId + "'";
    }
  }
}
