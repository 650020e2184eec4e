package quartet.engine.sim;

import java.time.Duration;
import java.util.Optional;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;

/** An output node that works as it does, after the time that larger pictures would have taken. */
record SimSave(Node real, NodeSchema schema, Duration cost) implements Node {
  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return real.changeStamp(constants, files);
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    SimMachine.pass(cost, context.cancel());
    return real.run(inputs, context);
  }
}
