package quartet.tensor.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.DType;
import quartet.tensor.Replay;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A function as CUDA graphs, one per set of shapes. The first call computes plainly, so that
 * algorithms are chosen and code is loaded; the second records; later ones copy the inputs that
 * have changed into the graph's own and launch it.
 *
 * <p>What a graph computes in is given back after recording: graphs run one after the other on one
 * stream, so all of them share that memory. Inputs and results are the graph's own.
 *
 * <p>Owner: of its graphs. Thread: the device's.
 */
final class CudaReplay implements Replay {
  private static final Logger LOG = LoggerFactory.getLogger(CudaReplay.class);

  /** Graphs kept; the least recently used goes first. Each holds a few megabytes of nodes. */
  private static final int MOST = 8;

  private final CudaBackend backend;
  private final String purpose;
  private final Body body;
  private final LinkedHashMap<List<Signature>, Entry> entries = new LinkedHashMap<>(8, .75f, true);

  CudaReplay(CudaBackend backend, String purpose, Body body) {
    this.backend = backend;
    this.purpose = purpose;
    this.body = body;
  }

  private record Signature(Shape shape, DType dtype) {}

  /** What is known of a set of shapes. */
  private static final class Entry {
    boolean plainly;
    @Nullable Recording recording;
  }

  /** A recorded graph; {@code scope} owns its inputs and results. */
  private static final class Recording {
    final CudaScope scope;
    final List<CudaTensor> inputs;
    final List<CudaTensor> results;
    final long graph;

    /** What was last copied to each input; tensors never change, so the same one need not again. */
    final Map<Integer, Tensor> bound = new HashMap<>();

    Recording(CudaScope scope, List<CudaTensor> inputs, List<CudaTensor> results, long graph) {
      this.scope = scope;
      this.inputs = inputs;
      this.results = results;
      this.graph = graph;
    }
  }

  @Override
  public List<Tensor> run(TensorScope scope, List<Tensor> inputs) {
    List<Signature> signature =
        inputs.stream().map(t -> new Signature(t.shape(), t.dtype())).toList();
    Entry entry = entries.get(signature);
    if (entry == null) {
      entries.put(signature, new Entry());
      dropOldest();
      List<Tensor> results = plain(scope, inputs);
      backend.keepTuning();
      return results;
    }
    if (entry.plainly) {
      return plain(scope, inputs);
    }
    Recording recording = entry.recording;
    if (recording == null) {
      recording = record(inputs);
      if (recording == null) {
        entry.plainly = true;
        return plain(scope, inputs);
      }
      entry.recording = recording;
    }
    return launch(recording, (CudaScope) scope, inputs);
  }

  private List<Tensor> plain(TensorScope scope, List<Tensor> inputs) {
    try (TensorScope inner = scope.child(purpose)) {
      return body.run(inner, inputs).stream().map(inner::handOver).toList();
    }
  }

  private List<Tensor> launch(Recording recording, CudaScope scope, List<Tensor> inputs) {
    for (int i = 0; i < inputs.size(); i++) {
      if (!isSame(recording.bound.get(i), inputs.get(i))) {
        CudaTensor from = scope.dense(inputs.get(i));
        CudaTensor to = recording.inputs.get(i);
        backend
            .driver()
            .copyOnDevice(to.address(), from.address(), to.byteSize(), backend.stream());
        recording.bound.put(i, inputs.get(i));
      }
    }
    backend.driver().launchGraph(recording.graph, backend.stream());
    List<Tensor> results = new ArrayList<>();
    for (CudaTensor result : recording.results) {
      CudaTensor copy = scope.allocate(result.shape(), result.dtype());
      backend
          .driver()
          .copyOnDevice(copy.address(), result.address(), result.byteSize(), backend.stream());
      results.add(copy);
    }
    return results;
  }

  @SuppressWarnings("ReferenceEquality") // tensors have no equality but their own
  private static boolean isSame(@Nullable Tensor bound, Tensor input) {
    return bound == input;
  }

  /** Records; null if something in the function cannot be recorded. */
  private @Nullable Recording record(List<Tensor> inputs) {
    CudaScope scope = backend.openCudaScope(purpose + " (graph)");
    boolean done = false;
    try {
      List<CudaTensor> own = new ArrayList<>();
      for (Tensor input : inputs) {
        own.add(scope.allocate(input.shape(), input.dtype()));
      }
      List<CudaTensor> results = new ArrayList<>();
      long graph = backend.record(() -> results.addAll(compute(scope, own)));
      Recording recording = new Recording(scope, own, results, graph);
      done = true;
      return recording;
    } catch (EngineException e) {
      if (e.kind() == ErrorKind.OUT_OF_MEMORY
          || e.kind() == ErrorKind.DEVICE
          || e.kind() == ErrorKind.DEVICE_LOST) {
        throw e;
      }
      LOG.warn("{} cannot be recorded and is computed step by step: {}", purpose, e.getMessage());
      return null;
    } catch (IllegalStateException e) {
      LOG.warn("{} cannot be recorded and is computed step by step: {}", purpose, e.getMessage());
      return null;
    } finally {
      if (!done) {
        scope.close();
      }
    }
  }

  private List<CudaTensor> compute(CudaScope scope, List<CudaTensor> inputs) {
    List<CudaTensor> results = new ArrayList<>();
    try (CudaScope inner = backend.openCudaScope(purpose)) {
      for (Tensor result : body.run(inner, List.copyOf(inputs))) {
        CudaTensor from = inner.dense(result);
        CudaTensor to = backend.outsideRecording(() -> scope.allocate(from.shape(), from.dtype()));
        backend
            .driver()
            .copyOnDevice(to.address(), from.address(), from.byteSize(), backend.stream());
        results.add(to);
      }
    }
    return results;
  }

  private void dropOldest() {
    Iterator<Map.Entry<List<Signature>, Entry>> oldest = entries.entrySet().iterator();
    while (entries.size() > MOST) {
      Entry entry = oldest.next().getValue();
      oldest.remove();
      drop(entry);
    }
  }

  private void drop(Entry entry) {
    Recording recording = entry.recording;
    if (recording != null) {
      entry.recording = null;
      backend.driver().synchronize(backend.stream());
      backend.driver().destroyGraph(recording.graph);
      recording.scope.close();
      backend.forgetGraph();
    }
  }

  @Override
  public void close() {
    entries.values().forEach(this::drop);
    entries.clear();
    backend.forget(this);
  }
}
