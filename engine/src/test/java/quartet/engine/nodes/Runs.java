package quartet.engine.nodes;

import java.util.Map;
import quartet.engine.fake.FakeNode;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.value.ImageBatch;

/** Runs one core node by its class name. */
final class Runs {
  private Runs() {}

  static NodeResult run(String className, Map<String, Object> inputs, NodeContext context) {
    return FakeNode.registry(new CoreNodes().nodes())
        .find(className)
        .orElseThrow()
        .node()
        .run(new NodeInputs(inputs), context);
  }

  /** Pictures whose every number says where it stands. */
  static ImageBatch ramp(int batch, int height, int width) {
    float[] values = new float[batch * height * width * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 256) / 255f;
    }
    return new ImageBatch(values, batch, height, width, 3);
  }
}
