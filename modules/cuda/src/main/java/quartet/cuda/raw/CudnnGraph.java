package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A graph of cuDNN operations: its descriptors, the plans the library has for it, and the chosen
 * one. What the graph computes is described by the class that makes it. Source: cudnn_graph.h.
 *
 * <p>Owner: whoever made it; it owns its descriptors and the plans made from them. Thread: the
 * device's.
 */
public final class CudnnGraph implements AutoCloseable {
  static final int TYPE_DATA_TYPE = 1;
  static final int DATA_FLOAT = 0;
  private static final int TYPE_HANDLE = 0;
  private static final int TYPE_BOOLEAN = 2;
  private static final int TYPE_INT64 = 3;
  private static final int TYPE_FLOAT = 4;
  private static final int TYPE_VOID_PTR = 6;
  private static final int TYPE_HEUR_MODE = 8;
  private static final int TYPE_DESCRIPTOR = 15;
  private static final int HEUR_MODE_A = 3;
  private static final int HEUR_MODE_FALLBACK = 2;
  private static final long ALIGNMENT = 16;

  private final Cudnn cudnn;
  private final String purpose;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> descriptors = new ArrayList<>();
  private final MemorySegment workspacePointer = arena.allocate(JAVA_LONG);
  private MemorySegment graph = MemorySegment.NULL;
  private MemorySegment ids = MemorySegment.NULL;
  private MemorySegment pointers = MemorySegment.NULL;
  private int inputs;
  private @Nullable Plan plan;

  /** One way of computing it. */
  public record Plan(MemorySegment descriptor, long workspaceBytes) {}

  /**
   * An empty graph.
   *
   * @param purpose named in errors
   */
  CudnnGraph(Cudnn cudnn, String purpose) {
    this.cudnn = cudnn;
    this.purpose = purpose;
  }

  // ---- describing it

  MemorySegment descriptor(int type) {
    MemorySegment descriptor = cudnn.create(type);
    descriptors.add(descriptor);
    return descriptor;
  }

  /** Completes a descriptor. */
  MemorySegment finish(MemorySegment descriptor) {
    cudnn.finalizeOrThrow(descriptor, purpose);
    return descriptor;
  }

  /** A tensor in device memory. */
  MemorySegment tensor(long id, int type, long[] extents, long[] strides) {
    return finish(openTensor(id, type, extents, strides));
  }

  /** A tensor that lives between two operations only. */
  MemorySegment virtualTensor(long id, int type, long[] extents, long[] strides) {
    MemorySegment tensor = openTensor(id, type, extents, strides);
    yes(tensor, 907);
    return finish(tensor);
  }

  /** A single float32 that is read from host memory when the graph runs. */
  MemorySegment hostNumber(long id) {
    long[] one = {1, 1, 1, 1};
    MemorySegment tensor = openTensor(id, DATA_FLOAT, one, one);
    yes(tensor, 908);
    return finish(tensor);
  }

  private MemorySegment openTensor(long id, int type, long[] extents, long[] strides) {
    MemorySegment tensor = descriptor(17);
    numbers(tensor, 900, ALIGNMENT);
    enumeration(tensor, 901, TYPE_DATA_TYPE, type);
    numbers(tensor, 902, extents);
    numbers(tensor, 903, strides);
    numbers(tensor, 906, id);
    return tensor;
  }

  private void yes(MemorySegment descriptor, int attribute) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment value = call.allocate(JAVA_BOOLEAN);
      value.set(JAVA_BOOLEAN, 0, true);
      cudnn.set(descriptor, attribute, TYPE_BOOLEAN, 1, value);
    }
  }

  void numbers(MemorySegment descriptor, int attribute, long... values) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(
          descriptor, attribute, TYPE_INT64, values.length, call.allocateFrom(JAVA_LONG, values));
    }
  }

  void number(MemorySegment descriptor, int attribute, float value) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(descriptor, attribute, TYPE_FLOAT, 1, call.allocateFrom(JAVA_FLOAT, value));
    }
  }

  void enumeration(MemorySegment descriptor, int attribute, int type, int value) {
    try (Arena call = Arena.ofConfined()) {
      cudnn.set(descriptor, attribute, type, 1, call.allocateFrom(JAVA_INT, value));
    }
  }

  void link(MemorySegment descriptor, int attribute, List<MemorySegment> values) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment array = call.allocate(ADDRESS, values.size());
      for (int i = 0; i < values.size(); i++) {
        array.setAtIndex(ADDRESS, i, values.get(i));
      }
      cudnn.set(descriptor, attribute, TYPE_DESCRIPTOR, values.size(), array);
    }
  }

  private void handle(MemorySegment descriptor, int attribute) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment value = call.allocate(ADDRESS);
      value.set(ADDRESS, 0, cudnn.handle());
      cudnn.set(descriptor, attribute, TYPE_HANDLE, 1, value);
    }
  }

  /**
   * Ends the description.
   *
   * @param tensors ids in the order in which {@link #run} takes their addresses
   */
  void complete(List<MemorySegment> operations, long... tensors) {
    graph = descriptor(15);
    handle(graph, 800);
    link(graph, 801, operations);
    finish(graph);
    inputs = tensors.length;
    ids = arena.allocateFrom(JAVA_LONG, tensors);
    pointers = arena.allocate(JAVA_LONG, inputs);
  }

  // ---- ways of computing it

  /**
   * The engine configurations the library proposes, best guess first, or its fallbacks if it has
   * none. Their number and order are the same for a version, card and graph.
   */
  public List<MemorySegment> configurations(int most) {
    for (int mode : new int[] {HEUR_MODE_A, HEUR_MODE_FALLBACK}) {
      MemorySegment heuristics = descriptor(4);
      link(heuristics, 201, List.of(graph));
      enumeration(heuristics, 200, TYPE_HEUR_MODE, mode);
      if (!cudnn.tryFinalize(heuristics)) {
        continue;
      }
      List<MemorySegment> found = proposals(heuristics, most);
      if (!found.isEmpty()) {
        return found;
      }
    }
    return List.of();
  }

  private List<MemorySegment> proposals(MemorySegment heuristics, int most) {
    List<MemorySegment> found = new ArrayList<>();
    try (Arena call = Arena.ofConfined()) {
      MemorySegment array = call.allocate(ADDRESS, most);
      for (int i = 0; i < most; i++) {
        array.setAtIndex(ADDRESS, i, descriptor(3));
      }
      long count = cudnn.get(heuristics, 202, TYPE_DESCRIPTOR, most, array);
      for (int i = 0; i < Math.min(count, most); i++) {
        found.add(array.getAtIndex(ADDRESS, i));
      }
    }
    return found;
  }

  /** Builds a configuration; null if it cannot be built, or wants more memory than the limit. */
  public @Nullable Plan build(MemorySegment configuration, long workspaceLimit) {
    MemorySegment descriptor = descriptor(5);
    handle(descriptor, 400);
    link(descriptor, 401, List.of(configuration));
    if (!cudnn.tryFinalize(descriptor)) {
      return null;
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment bytes = call.allocate(JAVA_LONG);
      if (cudnn.get(descriptor, 402, TYPE_INT64, 1, bytes) < 1) {
        return null;
      }
      long workspace = bytes.get(JAVA_LONG, 0);
      return workspace > workspaceLimit ? null : new Plan(descriptor, workspace);
    }
  }

  /** Uses a plan from now on. */
  public void choose(Plan chosen) {
    plan = chosen;
  }

  /** Queues it on the stream that the handle uses; addresses in the order of {@link #complete}. */
  void run(long workspace, long... addresses) {
    Plan chosen = plan;
    if (chosen == null || addresses.length != inputs) {
      throw new IllegalStateException(
          "%s: plan %s, %d addresses for %d tensors"
              .formatted(purpose, chosen, addresses.length, inputs));
    }
    for (int i = 0; i < inputs; i++) {
      pointers.setAtIndex(JAVA_LONG, i, addresses[i]);
    }
    workspacePointer.set(JAVA_LONG, 0, workspace);
    MemorySegment pack = cudnn.create(16);
    try {
      cudnn.set(pack, 1000, TYPE_INT64, inputs, ids);
      cudnn.set(pack, 1001, TYPE_VOID_PTR, inputs, pointers);
      cudnn.set(pack, 1003, TYPE_VOID_PTR, 1, workspacePointer);
      cudnn.finalizeOrThrow(pack, purpose);
      cudnn.execute(chosen.descriptor(), pack);
    } finally {
      cudnn.destroy(pack);
    }
  }

  @Override
  public void close() {
    for (MemorySegment descriptor : descriptors.reversed()) {
      cudnn.destroy(descriptor);
    }
    descriptors.clear();
    arena.close();
  }
}
