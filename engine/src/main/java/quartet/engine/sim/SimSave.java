package quartet.engine.sim;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.run.CancelToken;

/** An output node that works as it does, after the time that larger pictures would have taken. */
record SimSave(Node real, NodeSchema schema, Duration cost) implements Node {
  private static final long SLICE_NANOS = 10_000_000;

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return real.changeStamp(constants, files);
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    pass(cost, context.cancel());
    return real.run(inputs, context);
  }

  /** Waits, in pieces, so that a cancelled prompt ends soon. */
  static void pass(Duration time, CancelToken cancel) {
    long end = System.nanoTime() + time.toNanos();
    for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
      cancel.throwIfCancelled();
      LockSupport.parkNanos(Math.min(left, SLICE_NANOS));
    }
  }
}
