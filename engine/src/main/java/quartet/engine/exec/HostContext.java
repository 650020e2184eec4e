package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import quartet.engine.model.Models;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.NodeContext;
import quartet.engine.node.Preview;
import quartet.engine.run.CancelToken;
import quartet.tensor.Backend;

/**
 * What a host-only node may use: everything but the device, which may be busy with the next prompt.
 */
record HostContext(NodeContext whole) implements NodeContext {
  @Override
  public Backend backend() {
    throw broken();
  }

  @Override
  public Models models() {
    throw broken();
  }

  private IllegalStateException broken() {
    return new IllegalStateException(
        "node %s is marked as host-only and asks for its device".formatted(nodeId()));
  }

  @Override
  public Files files() {
    return whole.files();
  }

  @Override
  public ObjectNode prompt() {
    return whole.prompt();
  }

  @Override
  public ObjectNode extraPngInfo() {
    return whole.extraPngInfo();
  }

  @Override
  public boolean writeMetadata() {
    return whole.writeMetadata();
  }

  @Override
  public CancelToken cancel() {
    return whole.cancel();
  }

  @Override
  public void progress(int value, int max, Preview preview) {
    whole.progress(value, max, preview);
  }

  @Override
  public String nodeId() {
    return whole.nodeId();
  }

  @Override
  public void tell(ClientMessage message) {
    whole.tell(message);
  }
}
