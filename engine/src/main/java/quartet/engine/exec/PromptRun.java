package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.Link;
import quartet.engine.graph.PlannedNode;
import quartet.engine.node.Blocked;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.Subgraph;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.errors.Required;

/**
 * One plan on its way: runs what the outputs need, lets lazy nodes ask for more, and takes in the
 * nodes that others put in their place.
 *
 * <p>Thread: one at a time. The device's until {@link #leavesDevice} returns; if it says so, {@link
 * #rest} may be called on another, to which the whole of this then belongs. The cache is the
 * device's thread's alone.
 */
final class PromptRun {
  private static final int TRACEBACK_LINES = 40;

  /** The name that clients know. */
  private static final String CYCLE = "graph.DependencyCycleError";

  private final ExecutionPlan plan;
  private final OutputCache cache;
  private final CancelToken cancel;
  private final Function<String, NodeContext> contextOf;
  private final Consumer<ExecutionEvent> events;

  private final Map<String, PlannedNode> nodes;
  private final Map<String, String> parents = new HashMap<>();
  private final Map<String, List<NodeCalls.Returned>> expanded = new HashMap<>();
  private final Map<String, NodeOutputs> results = new HashMap<>();
  private final Staging staging = new Staging();
  private final Map<String, ObjectNode> shown = new LinkedHashMap<>();
  private final List<String> executed = new ArrayList<>();
  private final Map<String, NodeOutputs> made = new LinkedHashMap<>();
  private Map<String, String> keys = Map.of();
  private boolean leftDevice;
  private String current = "";
  private ObjectNode currentInputs = JsonNodeFactory.instance.objectNode();

  PromptRun(
      ExecutionPlan plan,
      OutputCache cache,
      CancelToken cancel,
      Function<String, NodeContext> contextOf,
      Consumer<ExecutionEvent> events) {
    this.plan = plan;
    this.cache = cache;
    this.cancel = cancel;
    this.contextOf = contextOf;
    this.events = events;
    this.nodes = new HashMap<>(plan.nodes());
  }

  /**
   * Runs until everything is done or nothing is left that needs the device.
   *
   * @param keyOf of each node of the plan, its place in the cache
   * @return whether something is left for {@link #rest}
   */
  boolean leavesDevice(Map<String, String> keyOf) {
    keys = keyOf;
    start();
    for (Optional<String> next = next(); next.isPresent(); next = next()) {
      step(next.get());
    }
    leftDevice = hostOnlyIsLeft();
    return leftDevice;
  }

  private Optional<String> next() {
    return hostOnlyIsLeft() ? Optional.empty() : staging.next();
  }

  private boolean hostOnlyIsLeft() {
    return staging.isUnfinished()
        && staging.all(id -> Required.in(nodes, id).registered().schema().hostOnly());
  }

  /** Runs what needs no device. */
  ExecutionOutcome rest() {
    for (Optional<String> next = staging.next(); next.isPresent(); next = staging.next()) {
      step(next.get());
    }
    return outcome();
  }

  /** Once nothing can run any more. */
  ExecutionOutcome outcome() {
    List<String> left = staging.left();
    return left.isEmpty() ? new ExecutionOutcome.Succeeded(shown) : cycle(left);
  }

  /** Places in the cache of what {@link #rest} will make. */
  Set<String> keysLeft() {
    Set<String> left = new HashSet<>();
    for (String id : staging.left()) {
      String key = keys.get(id);
      if (key != null) {
        left.add(key);
      }
    }
    return left;
  }

  /** What {@link #rest} has made, by its place in the cache. */
  Map<String, NodeOutputs> made() {
    return made;
  }

  private void start() {
    List<String> cached = new ArrayList<>();
    int place = 0;
    for (String id : plan.nodes().keySet()) {
      staging.place(id, new Staging.Place(List.of(place++)));
      Optional<NodeOutputs> hit = cache.find(Required.in(keys, id));
      if (hit.isPresent()) {
        results.put(id, hit.get());
        cached.add(id);
      }
    }
    events.accept(new ExecutionEvent.Cached(cached));
    for (String id : cached) {
      if (Required.in(nodes, id).registered().schema().output()) {
        finish(id, Required.in(results, id), true);
      }
    }
    plan.outputs().forEach(this::want);
  }

  /** The node and everything it needs is to run, as far as it is not there. */
  private void want(String wanted) {
    Deque<String> open = new ArrayDeque<>(List.of(wanted));
    while (!open.isEmpty()) {
      String id = open.pop();
      if (!results.containsKey(id) && staging.want(id)) {
        for (Link link : Required.in(nodes, id).eagerLinks().values()) {
          if (!results.containsKey(link.nodeId())) {
            staging.waitFor(id, link.nodeId());
            open.push(link.nodeId());
          }
        }
        staging.settle(id);
      }
    }
  }

  private void step(String id) {
    PlannedNode node = Required.in(nodes, id);
    current = id;
    List<NodeCalls.Returned> earlier = expanded.remove(id);
    if (earlier != null) {
      done(node, NodeCalls.merge(node.registered().schema(), earlier, this::result));
      return;
    }
    cancel.throwIfCancelled();
    events.accept(new ExecutionEvent.NodeStarted(id));
    Map<String, List<Object>> inputs = inputs(node);
    currentInputs = Described.inputs(inputs);
    List<NodeCalls.Call> calls = NodeCalls.of(node.registered().schema(), inputs);
    Set<String> more = stillNeeded(node, inputs, calls);
    if (more.isEmpty()) {
      List<NodeCalls.Returned> returned = run(node, calls);
      if (returned.stream().allMatch(one -> one.result().expansion() == null)) {
        done(node, NodeCalls.merge(node.registered().schema(), returned, this::result));
      } else {
        expand(node, returned);
      }
    } else {
      more.forEach(upstream -> waitAlsoFor(id, upstream));
      staging.settle(id);
    }
  }

  private Map<String, List<Object>> inputs(PlannedNode node) {
    Map<String, List<Object>> inputs = new HashMap<>();
    node.constants().forEach((name, value) -> inputs.put(name, List.of(value)));
    node.links()
        .forEach(
            (name, link) -> {
              NodeOutputs upstream = results.get(link.nodeId());
              if (upstream != null) {
                inputs.put(name, upstream.slots().get(link.slot()));
              }
            });
    return inputs;
  }

  /** Upstream nodes of lazy inputs that the node asks for and that have not run. */
  private Set<String> stillNeeded(
      PlannedNode node, Map<String, List<Object>> inputs, List<NodeCalls.Call> calls) {
    Set<String> missing = new HashSet<>(node.registered().schema().lazy());
    missing.retainAll(node.links().keySet());
    missing.removeAll(inputs.keySet());
    Set<String> upstream = new HashSet<>();
    if (!missing.isEmpty()) {
      for (NodeCalls.Call call : calls) {
        if (call.blocked() == null) {
          node.registered().node().needs(call.inputs()).stream()
              .filter(missing::contains)
              .forEach(name -> upstream.add(Required.in(node.links(), name).nodeId()));
        }
      }
    }
    return upstream;
  }

  private void waitAlsoFor(String id, String upstream) {
    want(upstream);
    if (!results.containsKey(upstream)) {
      staging.waitFor(id, upstream);
    }
  }

  private List<NodeCalls.Returned> run(PlannedNode node, List<NodeCalls.Call> calls) {
    List<NodeCalls.Returned> returned = new ArrayList<>();
    for (NodeCalls.Call call : calls) {
      if (!returned.isEmpty()) {
        cancel.throwIfCancelled();
      }
      NodeResult result =
          call.blocked() == null ? call(node, call.inputs()) : blocked(node, call.blocked());
      returned.add(
          new NodeCalls.Returned(result, "%s.%d.0.".formatted(node.id(), returned.size())));
    }
    return returned;
  }

  private NodeResult call(PlannedNode node, NodeInputs inputs) {
    boolean hostOnly = node.registered().schema().hostOnly();
    NodeContext whole = contextOf.apply(node.id());
    NodeResult result =
        node.registered().node().run(inputs, hostOnly ? new HostContext(whole) : whole);
    NodeCalls.check(node.id(), node.registered().schema(), result);
    return result;
  }

  /** Says once why, and hands the blocking on without the message. */
  private NodeResult blocked(PlannedNode node, Blocked why) {
    if (why.message() != null) {
      events.accept(
          new ExecutionEvent.Message(
              node.id(), new ClientMessage.NotRun(node.className(), why.message())));
    }
    return NodeResult.blocked(node.registered().schema(), Blocked.SILENTLY);
  }

  private void expand(PlannedNode parent, List<NodeCalls.Returned> returned) {
    int place = 0;
    List<String> wanted = new ArrayList<>();
    for (NodeCalls.Returned one : returned) {
      Subgraph graph = one.result().expansion();
      if (graph != null) {
        for (PlannedNode node : plan.expander().plan(one.prefix(), graph).values()) {
          nodes.put(node.id(), node);
          parents.put(node.id(), parent.id());
          staging.place(node.id(), staging.placeOf(parent.id()).child(place++));
          if (node.registered().schema().output()) {
            wanted.add(node.id());
          }
        }
      }
      for (Object output : one.result().outputs()) {
        if (output instanceof Subgraph.Out out) {
          String id = one.prefix() + out.localId();
          int slots =
              Optional.ofNullable(nodes.get(id))
                  .map(node -> node.registered().schema().outputs().size())
                  .orElse(0);
          if (out.slot() < 0 || out.slot() >= slots) {
            throw new IllegalStateException(
                "node %s (%s) returns output %d of %s, which has %d outputs"
                    .formatted(parent.id(), parent.className(), out.slot(), id, slots));
          }
          wanted.add(id);
          staging.waitFor(parent.id(), id);
        }
      }
    }
    expanded.put(parent.id(), returned);
    wanted.forEach(this::want);
    staging.settle(parent.id());
  }

  private NodeOutputs result(String id) {
    return Required.in(results, id);
  }

  private void done(PlannedNode node, NodeOutputs outputs) {
    executed.add(node.id());
    results.put(node.id(), outputs);
    String key = keys.get(node.id());
    if (key != null && leftDevice) {
      made.put(key, outputs);
    } else if (key != null) {
      cache.put(key, outputs);
    }
    finish(node.id(), outputs, false);
    staging.done(node.id());
  }

  private void finish(String id, NodeOutputs result, boolean cached) {
    if (result.ui() != null) {
      shown.put(id, result.ui());
    }
    events.accept(new ExecutionEvent.NodeFinished(id, result.ui(), cached));
  }

  /** The node of the prompt that stands behind a node of an expansion. */
  private String real(String id) {
    String real = id;
    for (String parent = parents.get(real); parent != null; parent = parents.get(real)) {
      real = parent;
    }
    return real;
  }

  private ExecutionOutcome cycle(List<String> left) {
    String blamed =
        real(left.stream().filter(parents::containsKey).findFirst().orElse(left.getFirst()));
    return new ExecutionOutcome.Failed(
        shown,
        blamed,
        Required.in(nodes, blamed).className(),
        ErrorKind.INPUT,
        "Nodes wait for each other in a circle: " + String.join(", ", left),
        CYCLE,
        List.of(),
        executed,
        JsonNodeFactory.instance.objectNode());
  }

  ExecutionOutcome failed(Throwable failure) {
    String at = real(current);
    String type = nodes.containsKey(at) ? Required.in(nodes, at).className() : "";
    if (failure instanceof PromptInterruptedException) {
      return new ExecutionOutcome.Interrupted(shown, at, type, executed);
    }
    ErrorKind kind =
        failure instanceof EngineException engine
            ? engine.kind()
            : failure instanceof IllegalArgumentException ? ErrorKind.INPUT : ErrorKind.INTERNAL;
    String exceptionType =
        failure instanceof EngineException engine
            ? engine.code().name()
            : failure.getClass().getSimpleName();
    String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    return new ExecutionOutcome.Failed(
        shown, at, type, kind, message, exceptionType, traceback(failure), executed, currentInputs);
  }

  private static List<String> traceback(Throwable failure) {
    return Stream.of(failure.getStackTrace())
        .limit(TRACEBACK_LINES)
        .map(frame -> "  at " + frame)
        .toList();
  }
}
