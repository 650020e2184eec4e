package quartet.engine.fake;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import quartet.engine.files.Folders;
import quartet.engine.model.Models;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.NodeContext;
import quartet.engine.node.Preview;
import quartet.engine.run.CancelToken;
import quartet.tensor.Backend;

/** Real folders, and no device: for nodes that need none. */
public record FakeContext(
    Folders folders, ObjectNode prompt, ObjectNode extraPngInfo, boolean writeMetadata)
    implements NodeContext {
  /** Below a base folder, with empty metadata. */
  public static FakeContext below(Path base) {
    Folders folders = Folders.below(base);
    folders.create();
    return new FakeContext(
        folders,
        JsonNodeFactory.instance.objectNode(),
        JsonNodeFactory.instance.objectNode(),
        true);
  }

  /** The same with other metadata. */
  public FakeContext with(ObjectNode newPrompt, ObjectNode newExtra, boolean write) {
    return new FakeContext(folders, newPrompt, newExtra, write);
  }

  @Override
  public Backend backend() {
    throw new IllegalStateException("this node asked for a device");
  }

  @Override
  public Models models() {
    throw new IllegalStateException("this node asked for a model");
  }

  @Override
  public NodeContext.Files files() {
    return folders;
  }

  @Override
  public String nodeId() {
    return "a node";
  }

  @Override
  public void tell(ClientMessage message) {}

  @Override
  public CancelToken cancel() {
    return CancelToken.NEVER;
  }

  @Override
  public void progress(int value, int max, Preview preview) {}
}
